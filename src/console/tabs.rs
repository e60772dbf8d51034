//! The six tabs: one room each. A new tab is its folder and one line here, and one section in the keymap files.

pub mod cameras;
pub mod logs;
pub mod maintenance;
pub mod plc;
pub mod resources;
#[cfg(test)]
mod trial;
pub mod vibration;

use super::keys::{ActionInfo, Context};
use super::view::Tab;

/// A tab as the console registers it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The context of its keys.
    pub context: Context,
    /// Every action it has, whether it makes sense now or not.
    pub actions: fn() -> Vec<ActionInfo>,
    /// Makes it.
    pub make: fn() -> Box<dyn Tab>,
}

/// The tabs, in the order of their numbers. One line a tab.
pub const TABS: [Entry; 6] = [
    Entry { context: Context::Cameras, actions: cameras::actions, make: || Box::new(cameras::Cameras::default()) },
    Entry {
        context: Context::Vibration,
        actions: vibration::actions,
        make: || Box::new(vibration::Vibration::default()),
    },
    Entry { context: Context::Plc, actions: plc::actions, make: || Box::new(plc::Plc::default()) },
    Entry {
        context: Context::Resources,
        actions: resources::actions,
        make: || Box::new(resources::Resources::default()),
    },
    Entry { context: Context::Logs, actions: logs::actions, make: || Box::new(logs::Logs::default()) },
    Entry {
        context: Context::Maintenance,
        actions: maintenance::actions,
        make: || Box::new(maintenance::Maintenance::default()),
    },
];

/// All tabs, made new.
#[must_use]
pub fn all() -> Vec<Box<dyn Tab>> {
    TABS.iter().map(|t| (t.make)()).collect()
}
