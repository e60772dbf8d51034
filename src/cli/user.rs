//! `vms user`: the people who may sign, with their roles and PINs.

use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;
use std::io::IsTerminal as _;

use super::{Globals, ask, out, secret};
use crate::access::{AccessError, People};
use crate::base::error::{Exit, Failure, Outcome};
use crate::model::people::Role;

/// The arguments of `vms user`.
#[derive(Args, Debug)]
pub struct UserArgs {
    #[command(subcommand)]
    command: Option<UserCommand>,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Everybody, with role and whether a PIN is set (without a subcommand: this)
    List,
    /// Enrol a person; at a terminal the PIN is asked for at once
    Add {
        /// Short name, which is typed to sign
        id: String,
        /// Full name, which is printed on records
        #[arg(long)]
        name: String,
        /// What the person may do
        #[arg(long, value_enum, default_value_t = RoleArg::Operator)]
        role: RoleArg,
    },
    /// Give a person another role
    Role {
        /// Short name
        id: String,
        /// What the person may do
        #[arg(value_enum)]
        role: RoleArg,
    },
    /// Give a person a PIN: asked for twice at a terminal, else the first line of standard input
    Pin {
        /// Short name
        id: String,
    },
    /// Remove a person; what they signed stays
    Remove {
        /// Short name
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    Operator,
    Technician,
    Admin,
}

impl RoleArg {
    fn role(self) -> Role {
        match self {
            Self::Operator => Role::Operator,
            Self::Technician => Role::Technician,
            Self::Admin => Role::Admin,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// The file of people cannot be read or written, or what was asked for is not allowed.
pub fn run(globals: &Globals, args: &UserArgs) -> Outcome {
    let mut people = People::load(&globals.data_dir).map_err(failed)?;
    match &args.command {
        None | Some(UserCommand::List) => return list(globals, &people),
        Some(UserCommand::Add { id, name, role }) => {
            std::fs::create_dir_all(&globals.data_dir)
                .map_err(|e| Failure::new(Exit::CannotWrite, format!("{}: {e}", globals.data_dir.display())))?;
            people.add(id, name, role.role()).map_err(failed)?;
            if std::io::stdin().is_terminal() {
                new_pin(&mut people, id)?;
            } else {
                out::note(&format!("{id} has no PIN yet and cannot sign: vms user pin {id}"));
            }
        }
        Some(UserCommand::Role { id, role }) => people.set_role(id, role.role()).map_err(failed)?,
        Some(UserCommand::Pin { id }) => new_pin(&mut people, id)?,
        Some(UserCommand::Remove { id }) => {
            if !ask::may(globals, &format!("Remove {id}? What was signed stays; {id} cannot sign any more.")) {
                out::note("nobody was removed; --yes removes without asking");
                return Ok(Exit::NotFine);
            }
            people.remove(id).map_err(failed)?;
        }
    }
    list(globals, &people)
}

fn new_pin(people: &mut People, id: &str) -> Result<(), Failure> {
    let first = secret::pin(&format!("New PIN of {id}"))?;
    if std::io::stdin().is_terminal() {
        let second = secret::pin("The same again")?;
        if first.expose_secret() != second.expose_secret() {
            return Err(Failure::new(Exit::NotFine, "the two differ; nothing was changed"));
        }
    }
    people.set_pin(id, &first).map_err(failed)
}

fn list(globals: &Globals, people: &People) -> Outcome {
    let all = people.list();
    if globals.json {
        for person in &all {
            out::json(person)?;
        }
    } else if all.is_empty() {
        out::note("nobody is enrolled: vms user add ID --name \"Full Name\" --role technician");
    } else {
        let row = |p: &crate::model::people::Person| {
            let pin = if p.pin { "set" } else { "none" };
            vec![p.id.to_string(), p.role.word().into(), pin.into(), p.name.to_string()]
        };
        out::line(&out::table(&["ID", "ROLE", "PIN", "NAME"], &all.iter().map(row).collect::<Vec<_>>()))?;
    }
    Ok(Exit::Fine)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err hands over")]
fn failed(e: AccessError) -> Failure {
    let exit = match e {
        AccessError::Read { .. } | AccessError::Damaged { .. } => Exit::NoInput,
        AccessError::Write { .. } => Exit::CannotWrite,
        AccessError::Unknown { .. } | AccessError::Taken(_) | AccessError::Refused(_) => Exit::NotFine,
    };
    Failure::new(exit, e.to_string())
}
