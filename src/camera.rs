//! One camera's stream: opened, kept open, decoded, timed and judged; each frame is handed on within the streaming thread.

pub mod file;
mod lent;
mod live;
pub mod picture;
pub mod pipeline;
pub mod rtsp;
mod sequence;
pub mod stream_time;
pub mod supervisor;
pub mod y4m;

pub use pipeline::version as gstreamer_version;
pub use supervisor::{Control, Frame, Hooks, Settings, run};
