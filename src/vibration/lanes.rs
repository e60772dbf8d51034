//! Work that is compiled once for each kind of processor, and runs with the widest vectors of the one that is there.

/// What a closure gives up when it is called: so it can be called once only.
///
/// A closure that could be called again goes to a function through a shim that the compiler does not inline there; the work would be compiled for the
/// least of all processors, whatever is chosen at run time.
#[derive(Debug)]
pub struct Once;

impl Once {
    /// It is given up.
    #[inline(always)]
    pub fn gone(self) {}
}

/// Does the work (an expression) with the widest vectors of the processor, which `arch` has found. What it calls must be `#[inline(always)]` to be compiled
/// for them as well.
macro_rules! widest {
    ($arch:expr, $work:expr) => {{
        let once = $crate::vibration::lanes::Once;
        $arch.dispatch(
            #[inline(always)]
            || {
                once.gone();
                $work
            },
        )
    }};
}
pub(crate) use widest;
