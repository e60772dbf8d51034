//! A catalogue for a site: steps that are asked for each camera, PLC or directory become one step each.

use std::sync::Arc;

use super::{Catalogue, Each, TaskDef};
use crate::model::upkeep::{StepDef, When};

/// What a site has, by id and by the name that people know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects {
    /// Cameras in use.
    pub cameras: Vec<(Arc<str>, Arc<str>)>,
    /// PLCs.
    pub plcs: Vec<(Arc<str>, Arc<str>)>,
    /// Directories that the program writes to; the name says for what.
    pub disks: Vec<(Arc<str>, Arc<str>)>,
}

impl Subjects {
    fn of(&self, each: Each) -> &[(Arc<str>, Arc<str>)] {
        match each {
            Each::Camera => &self.cameras,
            Each::Plc => &self.plcs,
            Each::Disk => &self.disks,
        }
    }
}

impl Catalogue {
    /// This catalogue for a site. A step for each of what the site has none of falls away; a task of nothing but such
    /// steps has none left, and is left out with them.
    #[must_use]
    pub fn for_site(&self, subjects: &Subjects) -> Self {
        let tasks = self.tasks.iter().map(|t| task(t, subjects)).filter(|t| !t.steps.is_empty());
        Self { tasks: tasks.collect() }
    }
}

fn task(def: &TaskDef, subjects: &Subjects) -> TaskDef {
    let mut steps: Vec<StepDef> = Vec::new();
    for (step, each) in def.steps.iter().zip(&def.each) {
        match each {
            None => steps.push(step.clone()),
            Some(each) => steps.extend(subjects.of(*each).iter().map(|s| one(def, step, *each, s))),
        }
    }
    let each = vec![None; steps.len()];
    TaskDef { steps: steps.into(), each, ..def.clone() }
}

/// The step for one subject. Its conditions on steps that are asked for each as well mean those of the same subject.
fn one(task: &TaskDef, step: &StepDef, each: Each, (id, name): &(Arc<str>, Arc<str>)) -> StepDef {
    let own = |w: &When| {
        let same = task.steps.iter().zip(&task.each).any(|(s, e)| s.id == w.step && *e == Some(each));
        When { step: if same { of(&w.step, id) } else { Arc::clone(&w.step) }, is: Arc::clone(&w.is) }
    };
    StepDef {
        id: of(&step.id, id),
        title: format!("{}: {name}", step.title).into(),
        subject: Some(Arc::clone(id)),
        when: step.when.iter().map(own).collect(),
        ..step.clone()
    }
}

/// `lens.deck-east`.
fn of(step: &str, subject: &str) -> Arc<str> {
    format!("{step}.{subject}").into()
}
