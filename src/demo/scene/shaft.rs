//! The shaft support: a split bearing block on its frame, seen by a camera on a bracket that sways.

use super::{Layout, RoiInfo, Stage, part_canvas};
use crate::demo::canvas::{Block, Canvas, Disc, Ring, Stroke, Surface};
use crate::demo::motion::{Motion, Schedule};

const SUPPORT: Schedule = Schedule {
    period_s: 180.0,
    knots: &[
        (0.0, 0.7),
        (28.0, 0.7),
        (32.0, 1.6),
        (44.0, 1.6),
        (48.0, 0.7),
        (120.0, 0.7),
        (126.0, 1.6),
        (150.0, 1.6),
        (154.0, 0.7),
        (180.0, 0.7),
    ],
};

/// Size and regions.
pub const LAYOUT: Layout = Layout {
    size: (960, 540),
    rois: &[
        RoiInfo {
            id: "shaft-support",
            rect: [416, 206, 128, 128],
            motion: Some(Motion { hz: 4.3, amplitude_px: [0.55, 0.85], phase: [0.0, 0.5], schedule: SUPPORT }),
        },
        RoiInfo { id: "shaft-wall", rect: [112, 50, 128, 112], motion: None },
    ],
    shakes: true,
};

/// Paints the scene.
pub fn stage() -> Stage {
    let mut back = super::background(LAYOUT.size);
    wall(&mut back);
    base(&mut back);
    shaft(&mut back);
    back.shadow(&Disc(480.0, 270.0, 132.0), (16.0, 18.0), 20.0, 0.6);
    Stage { background: back, parts: vec![support()] }
}

fn wall(c: &mut Canvas) {
    c.solid(&Block(-20.0, -20.0, 1000.0, 580.0, 0.0), Surface::new(60.0, 1).bevel(0.0).wear(14.0, 8.0));
    for row in 0..12 {
        for col in 0..14 {
            let x = -60.0 + col as f32 * 78.0 + if row % 2 == 0 { 0.0 } else { 39.0 };
            let tone = 84.0 + 34.0 * crate::demo::canvas::hash(col, row, 5);
            let seed = (row * 17 + col) as u32;
            c.solid(
                &Block(x, -8.0 + row as f32 * 35.0, 74.0, 31.0, 2.5),
                Surface::new(tone, 200 + seed).bevel(2.0).wear(15.0, 13.0),
            );
        }
    }
    // Cable tray and a conduit.
    let tray = Block(-20.0, 18.0, 1000.0, 20.0, 1.0);
    c.shadow(&tray, (0.0, 12.0), 8.0, 0.5);
    c.solid(&tray, Surface::new(128.0, 6).bevel(4.0).wear(16.0, 11.0));
    for k in 0..25 {
        c.solid(&Stroke(k as f32 * 40.0, 28.0, k as f32 * 40.0 + 16.0, 28.0, 3.0), Surface::new(44.0, 7).bevel(0.0));
    }
    let conduit = Block(742.0, 30.0, 24.0, 400.0, 2.0);
    c.shadow(&conduit, (9.0, 4.0), 7.0, 0.5);
    c.solid(&conduit, Surface::new(118.0, 8).bevel(0.0).wear(16.0, 9.0));
    c.cylinder(&conduit, false, 0.3, 0.75);
    for y in [90.0, 190.0, 380.0] {
        c.solid(&Block(734.0, y, 40.0, 13.0, 2.0), Surface::new(96.0, 9).bevel(2.5));
        c.bolt(771.0, y + 6.0, 4.0, 10 + y as u32);
    }
    c.plate(136.0, 72.0, 74.0, 52.0, 11);
    c.bolt(126.0, 144.0, 6.0, 12);
    c.bolt(222.0, 144.0, 6.0, 13);
    let cabinet = Block(812.0, 76.0, 116.0, 150.0, 4.0);
    c.shadow(&cabinet, (10.0, 12.0), 12.0, 0.6);
    c.solid(&cabinet, Surface::new(138.0, 14).bevel(5.0).wear(16.0, 11.0));
    c.solid(&Block(822.0, 88.0, 96.0, 128.0, 3.0), Surface::new(130.0, 15).bevel(2.0).wear(16.0, 11.0));
    c.solid(&Block(906.0, 140.0, 6.0, 26.0, 2.0), Surface::new(52.0, 16).bevel(1.5));
    c.plate(840.0, 100.0, 44.0, 26.0, 17);
}

fn base(c: &mut Canvas) {
    c.solid(&Block(-20.0, 452.0, 1000.0, 120.0, 0.0), Surface::new(64.0, 20).bevel(0.0).wear(20.0, 10.0));
    c.shadow(&Block(-20.0, 440.0, 1000.0, 24.0, 0.0), (0.0, 6.0), 18.0, 0.5);
    for (y, h, grey) in [(388.0, 22.0, 126.0), (410.0, 50.0, 96.0), (460.0, 22.0, 120.0)] {
        c.solid(&Block(-20.0, y, 1000.0, h, 2.0), Surface::new(grey, 21 + y as u32).bevel(5.0).wear(20.0, 12.0));
    }
    for k in 0..8 {
        let x = 40.0 + k as f32 * 128.0;
        let rib = Block(x, 408.0, 12.0, 54.0, 1.0);
        c.shadow(&rib, (5.0, 1.0), 5.0, 0.5);
        c.solid(&rib, Surface::new(112.0, 26).bevel(3.0));
        c.bolt(x + 50.0, 472.0, 7.0, 28 + k as u32);
    }
    for k in 0..16 {
        c.solid(
            &Stroke(k as f32 * 64.0 + 4.0, 512.0, k as f32 * 64.0 + 36.0, 512.0, 5.0),
            Surface::new(32.0, 27).bevel(0.0),
        );
    }
}

fn shaft(c: &mut Canvas) {
    let shaft = Block(-20.0, 236.0, 1000.0, 68.0, 0.0);
    c.shadow(&shaft, (0.0, 34.0), 22.0, 0.55);
    c.solid(&shaft, Surface::new(126.0, 30).bevel(0.0).wear(10.0, 9.0));
    c.cylinder(&shaft, true, 0.3, 0.85);
    for (x, w, r) in [(150.0, 52.0, 62.0), (202.0, 16.0, 74.0), (222.0, 52.0, 62.0), (690.0, 30.0, 52.0)] {
        let disc = Block(x, 270.0 - r, w, 2.0 * r, 5.0);
        c.shadow(&disc, (7.0, 8.0), 8.0, 0.5);
        c.solid(&disc, Surface::new(130.0, 31 + x as u32).bevel(3.0));
        c.cylinder(&disc, true, 0.3, 0.7);
    }
    for y in [222.0, 256.0, 290.0, 322.0] {
        c.bolt(180.0, y, 6.0, 36 + y as u32);
        c.bolt(248.0, y, 6.0, 37 + y as u32);
    }
}

fn support() -> Canvas {
    let mut c = part_canvas([310, 128, 340, 268]);
    let foot = Block(314.0, 346.0, 332.0, 46.0, 8.0);
    c.solid(&foot, Surface::new(116.0, 50).bevel(6.0).wear(20.0, 15.0));
    for x in [340.0, 620.0] {
        c.bolt(x, 368.0, 12.0, 51 + x as u32);
    }
    c.solid(&Block(360.0, 262.0, 240.0, 104.0, 18.0), Surface::new(120.0, 52).bevel(7.0).wear(20.0, 16.0));
    c.solid(&Disc(480.0, 262.0, 128.0), Surface::new(126.0, 53).bevel(9.0).wear(22.0, 16.0));
    let joint = Block(352.0, 262.0, 256.0, 12.0, 2.0);
    c.shadow(&joint, (0.0, 3.0), 3.0, 0.55);
    c.solid(&joint, Surface::new(92.0, 54).bevel(2.0));
    for x in [372.0, 588.0] {
        c.bolt(x, 252.0, 11.0, 55 + x as u32);
    }
    c.shadow(&Disc(480.0, 270.0, 84.0), (3.0, 4.0), 6.0, 0.55);
    c.solid(&Disc(480.0, 270.0, 82.0), Surface::new(140.0, 56).bevel(6.0).wear(22.0, 17.0));
    for k in 0..6 {
        let a = 0.2 + k as f32 * std::f32::consts::FRAC_PI_3;
        c.bolt(480.0 + 62.0 * a.cos(), 270.0 + 62.0 * a.sin(), 8.5, 60 + k);
    }
    c.shadow(&Disc(480.0, 270.0, 40.0), (2.0, 3.0), 5.0, 0.6);
    c.solid(&Disc(480.0, 270.0, 39.0), Surface::new(98.0, 57).bevel(4.0).wear(16.0, 15.0));
    c.solid(&Ring(480.0, 270.0, 26.0, 2.4), Surface::new(164.0, 58).bevel(1.5));
    c.solid(&Disc(480.0, 270.0, 10.0), Surface::new(44.0, 59).bevel(3.0));
    c.solid(&Disc(480.0, 146.0, 8.0), Surface::new(176.0, 66).bevel(3.0));
    c.plate(448.0, 158.0, 64.0, 26.0, 67);
    c.solid(&Stroke(470.0, 330.0, 462.0, 362.0, 2.6), Surface::new(52.0, 68).bevel(0.0));
    c
}
