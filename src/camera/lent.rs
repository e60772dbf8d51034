//! Memory for decoded pictures that may be read while the decoder still refers back to them.
//!
//! A decoder keeps its newest pictures mapped for writing, because the next ones are predicted from them. GStreamer therefore copies every
//! picture when it hands it on (`gst_video_decoder_finish_frame` wants a buffer of its own, and mapped memory cannot be shared): three
//! megabytes a frame, a tenth of all decoding. Whoever only reads needs no copy. So this memory answers the wish for a copy with a view of
//! itself that can be read and not written, and that keeps it alive.
//!
//! What makes that right: a decoder writes a picture before it hands it on and never after, until it has let go of it; and what it has let go of is not
//! given out again while a view is held, because a buffer pool only takes back memory that is writable, and memory with more than one parent
//! is not (`gst_mini_object_is_writable`). A view that somebody wants to write to cannot be mapped, and its pipeline ends with an error.
//!
//! The decoder itself holds a view for a moment longer than its picture, so a pool never takes such a picture back. What is given back is therefore
//! kept here, to be decoded into again: new memory would have to be cleared page by page.
#![expect(
    unsafe_code,
    reason = "GStreamer's memories are made and read through its C interface; each use says why it is sound"
)]

use gstreamer as gst;
use gstreamer::glib;

glib::wrapper! {
    /// Makes such memory.
    pub struct LentAllocator(ObjectSubclass<imp::LentAllocator>) @extends gst::Allocator, gst::Object;
}

impl Default for LentAllocator {
    fn default() -> Self {
        glib::Object::new()
    }
}

mod imp {
    use std::alloc::{self, Layout};
    use std::mem::ManuallyDrop;
    use std::ptr;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use glib::translate::IntoGlib as _;
    use gstreamer as gst;
    use gstreamer::prelude::*;
    use gstreamer::subclass::prelude::*;
    use gstreamer::{ffi, glib};

    /// A memory as GStreamer sees it, and what belongs to it.
    #[repr(C)]
    struct Block {
        /// First, so that a pointer to the block is a pointer to the memory.
        mem: ffi::GstMemory,
        /// Where the bytes are: the block's own, or in a view those of the lender.
        data: *mut u8,
        /// Of the bytes, where they are the block's own.
        layout: Layout,
        /// In a view the memory whose bytes are seen, counted; else null.
        lender: *mut ffi::GstMemory,
    }

    /// How often a view is the parent of its lender: with more than one parent that is not writable, so no pool gives it out again.
    const PARENTS: usize = 2;

    /// Pieces of memory that are kept: what a decoder lets go of from one key frame to the next, and what is on its way.
    const SPARES: usize = 8;

    /// Bytes that nobody uses.
    struct Spare {
        data: *mut u8,
        layout: Layout,
    }

    // SAFETY: the bytes belong to whoever has the `Spare`, on whichever thread.
    unsafe impl Send for Spare {}

    impl Drop for Spare {
        fn drop(&mut self) {
            // SAFETY: they were taken with this layout, and are given back once.
            unsafe { alloc::dealloc(self.data, self.layout) };
        }
    }

    #[derive(Default)]
    pub struct LentAllocator {
        /// At most [`SPARES`]. Held for a push or a search; nothing else is locked meanwhile.
        spares: Mutex<Vec<Spare>>,
    }

    impl LentAllocator {
        fn spares(&self) -> MutexGuard<'_, Vec<Spare>> {
            self.spares.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for LentAllocator {
        const NAME: &'static str = "VmsLentAllocator";
        type Type = super::LentAllocator;
        type ParentType = gst::Allocator;

        fn instance_init(obj: &glib::subclass::InitializingObject<Self>) {
            // SAFETY: an instance of a type derived from GstAllocator begins with a GstAllocator, and nobody else knows of it yet.
            unsafe {
                let allocator = obj.as_ptr().cast::<ffi::GstAllocator>();
                (*allocator).mem_type = c"VmsLentMemory".as_ptr();
                (*allocator).mem_map = Some(map);
                (*allocator).mem_unmap = Some(unmap);
                (*allocator).mem_copy = Some(lend);
                (*allocator).mem_share = Some(lend);
            }
        }
    }

    impl ObjectImpl for LentAllocator {}
    impl GstObjectImpl for LentAllocator {}

    // SAFETY: `alloc` gives memory of this allocator, whole and counted once, or null; `free` gives back what `alloc` and `lend` took.
    unsafe impl AllocatorImpl for LentAllocator {
        unsafe fn alloc(&self, size: usize, params: &gst::AllocationParams) -> *mut ffi::GstMemory {
            let whole = size.checked_add(params.prefix()).and_then(|s| s.checked_add(params.padding()));
            // GStreamer's alignment is a mask: one less than a power of two.
            let align = params.align() | gst::Memory::default_alignment();
            let Some(layout) = whole.and_then(|n| Layout::from_size_align(n.max(1), align + 1).ok()) else {
                return ptr::null_mut();
            };
            let spare = {
                let mut spares = self.spares();
                // Whoever wants zeros around the bytes gets new ones.
                let fits = |s: &Spare| s.layout == layout && params.flags().is_empty();
                spares.iter().position(fits).map(|i| spares.swap_remove(i))
            };
            let data = match spare {
                // They belong to the new block from here on.
                Some(spare) => ManuallyDrop::new(spare).data,
                // SAFETY: the layout is not empty.
                None => unsafe { alloc::alloc_zeroed(layout) },
            };
            if data.is_null() {
                return ptr::null_mut();
            }
            let whole = Whole {
                flags: params.flags().into_glib(),
                allocator: self.obj().as_ptr().cast(),
                maxsize: layout.size(),
                align,
                offset: params.prefix(),
                size,
            };
            // SAFETY: the data was taken with this layout and belongs to nobody else; the allocator is alive.
            unsafe { block(data, layout, ptr::null_mut(), &whole) }
        }

        unsafe fn free(&self, memory: *mut ffi::GstMemory) {
            // SAFETY: GStreamer frees a memory of this allocator once, when nobody counts it any more; each was made by `block` as a box.
            let gone = unsafe { Box::from_raw(memory.cast::<Block>()) };
            if gone.lender.is_null() {
                // Own bytes, taken with this layout. No view is left, for each would count this memory.
                let spare = Spare { data: gone.data, layout: gone.layout };
                let mut spares = self.spares();
                if spares.len() < SPARES {
                    spares.push(spare);
                }
            } else {
                // SAFETY: a view counts its lender once, and is its parent `PARENTS` times.
                unsafe {
                    for _ in 0..PARENTS {
                        ffi::gst_mini_object_remove_parent(gone.lender.cast(), memory.cast());
                    }
                    ffi::gst_mini_object_unref(gone.lender.cast());
                }
            }
        }
    }

    /// What a memory tells of itself.
    struct Whole {
        flags: u32,
        allocator: *mut ffi::GstAllocator,
        maxsize: usize,
        align: usize,
        offset: usize,
        size: usize,
    }

    /// Makes a block.
    ///
    /// # Safety
    /// `data` holds `whole.maxsize` bytes for as long as the block lives: its own, taken with `layout`, or those of `lender`, which is
    /// counted for this block. The allocator is alive; the memory counts it from here on.
    unsafe fn block(data: *mut u8, layout: Layout, lender: *mut ffi::GstMemory, whole: &Whole) -> *mut ffi::GstMemory {
        // SAFETY: a GstMemory is numbers and pointers, for which zeros are values; gst_memory_init writes all of them.
        let mem = unsafe { std::mem::zeroed::<ffi::GstMemory>() };
        let made = Box::into_raw(Box::new(Block { mem, data, layout, lender })).cast::<ffi::GstMemory>();
        // SAFETY: the block begins with a memory, and is not known to anybody else yet.
        unsafe {
            ffi::gst_memory_init(
                made,
                whole.flags,
                whole.allocator,
                ptr::null_mut(),
                whole.maxsize,
                whole.align,
                whole.offset,
                whole.size,
            );
        }
        made
    }

    /// Where the bytes are; GStreamer adds the offset, and lets nobody write to what is marked as read-only.
    ///
    /// # Safety
    /// Called by GStreamer with a memory of this allocator.
    unsafe extern "C" fn map(mem: *mut ffi::GstMemory, _: usize, _: ffi::GstMapFlags) -> glib::ffi::gpointer {
        // SAFETY: each memory of this allocator is a block.
        unsafe { (*mem.cast::<Block>()).data.cast() }
    }

    unsafe extern "C" fn unmap(_: *mut ffi::GstMemory) {}

    /// A view of `size` bytes (-1: all) from `offset` on.
    ///
    /// # Safety
    /// Called by GStreamer with a memory of this allocator that the caller counts, and bounds within it.
    unsafe extern "C" fn lend(mem: *mut ffi::GstMemory, offset: isize, size: isize) -> *mut ffi::GstMemory {
        // SAFETY: each memory of this allocator is a block; who asks counts it, so it lives as long as this call.
        let of = unsafe { &*mem.cast::<Block>() };
        let Some(from) = of.mem.offset.checked_add_signed(offset).filter(|from| *from <= of.mem.maxsize) else {
            return ptr::null_mut();
        };
        let all = of.mem.size.saturating_add_signed(offset.saturating_neg());
        let size = usize::try_from(size).unwrap_or(all).min(of.mem.maxsize - from);
        // A view of a view sees the first lender's bytes, and counts that.
        let lender = if of.lender.is_null() { mem } else { of.lender };
        let whole = Whole {
            flags: of.mem.mini_object.flags | ffi::GST_MINI_OBJECT_FLAG_LOCK_READONLY,
            allocator: of.mem.allocator,
            maxsize: of.mem.maxsize,
            align: of.mem.align,
            offset: from,
            size,
        };
        // SAFETY: the lender is alive, itself counted by `mem` or being it; counted here, it outlives the view. The view is its parent until `free`.
        unsafe {
            ffi::gst_mini_object_ref(lender.cast());
            let view = block(of.data, Layout::new::<()>(), lender, &whole);
            for _ in 0..PARENTS {
                ffi::gst_mini_object_add_parent(lender.cast(), view.cast());
            }
            view
        }
    }
}

#[cfg(test)]
mod tests {
    use gstreamer::prelude::*;

    use super::*;

    #[test]
    fn what_is_lent_is_seen_and_not_written_and_outlives_its_lender() {
        gst::init().unwrap();
        let allocator = LentAllocator::default();
        let params = gst::AllocationParams::new(gst::MemoryFlags::empty(), 63, 5, 7);
        let mut memory = allocator.alloc(100, Some(&params)).unwrap();
        assert_eq!((memory.size(), memory.offset(), memory.maxsize()), (100, 5, 112));
        {
            let mut map = memory.get_mut().unwrap().map_writable().unwrap();
            for (i, b) in map.iter_mut().enumerate() {
                *b = i as u8;
            }
        }
        let view = memory.copy();
        let part = view.share(10..30);
        assert!(view.copy().into_mapped_memory_writable().is_err(), "a view is never written to");
        drop(memory);
        drop(view);
        let seen = part.map_readable().unwrap();
        assert_eq!(seen.as_slice(), (10..30).collect::<Vec<u8>>());
        drop(seen);
        drop(part);
        // The allocator is counted by its memories alone from here on.
        let last = allocator.alloc(3_000_000, None).unwrap();
        let weak = allocator.downgrade();
        drop(allocator);
        assert!(weak.upgrade().is_some());
        drop(last);
        assert!(weak.upgrade().is_none(), "nothing is left behind");
    }

    #[test]
    fn a_pool_never_gives_out_what_is_still_seen() {
        gst::init().unwrap();
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        config.set_params(None, 64, 0, 0);
        config.set_allocator(Some(&LentAllocator::default()), None);
        pool.set_config(config).unwrap();
        pool.set_active(true).unwrap();
        let write = |buffer: &mut gst::Buffer, v: u8| {
            buffer.get_mut().unwrap().map_writable().unwrap().fill(v);
        };
        let mut first = pool.acquire_buffer(None).unwrap();
        write(&mut first, 1);
        let view = first.peek_memory(0).copy();
        drop(first);
        let mut second = pool.acquire_buffer(None).unwrap();
        write(&mut second, 2);
        assert!(view.map_readable().unwrap().iter().all(|v| *v == 1), "the view keeps its bytes");
        drop(view);
        drop(second);
        pool.set_active(false).unwrap();
    }
}
