//! The console: what a person sees and presses. It holds a board receiver, an intent sender and its own view state.

pub mod app;
pub mod keys;
pub mod run;
#[doc(hidden)]
pub mod sample;
pub mod tabs;
pub mod theme;
pub mod view;
pub mod widgets;

#[cfg(test)]
mod tests;
