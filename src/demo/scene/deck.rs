//! The screen deck: a vibrating screen with a bearing housing and a frame beam, seen from the walkway.

use super::{Layout, RoiInfo, Stage, part_canvas};
use crate::demo::canvas::{Block, Canvas, Disc, Ring, Stroke, Surface};
use crate::demo::motion::{Motion, Schedule};

/// High at the start, so that an alarm comes within seconds of the start and goes soon after.
const BEARING: Schedule = Schedule {
    period_s: 180.0,
    knots: &[
        (0.0, 1.0),
        (14.0, 1.0),
        (15.5, 0.35),
        (80.0, 0.35),
        (84.0, 1.0),
        (106.0, 1.0),
        (110.0, 0.35),
        (176.0, 0.35),
        (180.0, 1.0),
    ],
};
const FRAME: Schedule = Schedule {
    period_s: 180.0,
    knots: &[(0.0, 0.6), (44.0, 0.6), (48.0, 1.3), (66.0, 1.3), (70.0, 0.6), (180.0, 0.6)],
};

/// Size and regions.
pub const LAYOUT: Layout = Layout {
    size: (1280, 720),
    rois: &[
        RoiInfo {
            id: "deck-frame",
            rect: [300, 254, 128, 128],
            motion: Some(Motion { hz: 3.7, amplitude_px: [0.26, 0.98], phase: [0.4, 0.0], schedule: FRAME }),
        },
        RoiInfo {
            id: "deck-bearing",
            rect: [776, 376, 128, 128],
            motion: Some(Motion { hz: 5.2, amplitude_px: [0.88, 0.50], phase: [0.0, 0.35], schedule: BEARING }),
        },
        RoiInfo { id: "deck-wall", rect: [1116, 210, 112, 112], motion: None },
    ],
    shakes: false,
};

/// Paints the scene.
pub fn stage() -> Stage {
    let mut back = super::background(LAYOUT.size);
    wall(&mut back);
    screen(&mut back);
    column(&mut back);
    back.shadow(&Block(150.0, 236.0, 470.0, 170.0, 6.0), (10.0, 16.0), 16.0, 0.6);
    back.shadow(&Disc(840.0, 440.0, 140.0), (12.0, 20.0), 22.0, 0.65);
    Stage { background: back, parts: vec![frame(), bearing()] }
}

fn wall(c: &mut Canvas) {
    c.solid(&Block(-20.0, -20.0, 1320.0, 780.0, 0.0), Surface::new(74.0, 3).bevel(0.0).wear(20.0, 9.0));
    for k in 0..6 {
        let y = 14.0 + k as f32 * 40.0;
        c.solid(&Block(-20.0, y, 1320.0, 3.0, 0.0), Surface::new(48.0, 4).bevel(0.0));
    }
    for (y, r, grey) in [(44.0, 17.0, 128.0), (98.0, 11.0, 108.0)] {
        let pipe = Block(-20.0, y - r, 1100.0, 2.0 * r, 2.0);
        c.shadow(&pipe, (0.0, 14.0), 9.0, 0.5);
        c.solid(&pipe, Surface::new(grey, y as u32).bevel(0.0).wear(16.0, 9.0));
        c.cylinder(&pipe, true, 0.3, 0.75);
        for k in 0..4 {
            let x = 120.0 + k as f32 * 270.0;
            c.solid(&Block(x, y - r - 4.0, 16.0, 2.0 * r + 8.0, 2.0), Surface::new(100.0, 5).bevel(2.0));
            c.bolt(x + 8.0, y - r - 1.0, 4.0, k as u32 + 40);
        }
    }
    c.shadow(&Block(-20.0, 150.0, 1320.0, 40.0, 0.0), (0.0, 0.0), 40.0, 0.35);
}

fn screen(c: &mut Canvas) {
    let deck = Block(-30.0, 210.0, 1080.0, 560.0, 6.0);
    c.solid(&deck, Surface::new(104.0, 7).bevel(6.0).wear(20.0, 11.0));
    for row in 0..15 {
        // Rows grow towards the viewer.
        let depth = row as f32 / 14.0;
        let y = 236.0 + 300.0 * depth + 170.0 * depth * depth;
        let pitch = 40.0 + 16.0 * depth;
        let half = 5.0 + 2.6 * depth;
        let mut x = 6.0 + if row % 2 == 0 { 0.0 } else { pitch / 2.0 };
        while x < 1010.0 {
            let slot = Stroke(x, y, x + pitch * 0.42, y, half);
            c.solid(
                &Stroke(x, y + 1.6, x + pitch * 0.42, y + 1.6, half + 1.4),
                Surface::new(138.0, 8).bevel(0.0).wear(8.0, 8.0),
            );
            c.solid(&slot, Surface::new(30.0, 9).bevel(0.0).wear(6.0, 5.0));
            x += pitch;
        }
    }
    for k in 0..5 {
        let x = 90.0 + k as f32 * 205.0;
        let rib = Block(x, 205.0, 20.0, 540.0, 3.0);
        c.shadow(&rib, (6.0, 3.0), 6.0, 0.45);
        c.solid(&rib, Surface::new(116.0, 10 + k as u32).bevel(4.0).wear(20.0, 11.0));
        for b in 0..6 {
            c.bolt(x + 10.0, 232.0 + b as f32 * 92.0, 5.5, 60 + k as u32 * 7 + b as u32);
        }
    }
}

fn column(c: &mut Canvas) {
    let edge = Block(1030.0, 130.0, 34.0, 620.0, 2.0);
    c.shadow(&edge, (10.0, 0.0), 12.0, 0.5);
    c.solid(&edge, Surface::new(92.0, 20).bevel(5.0).wear(18.0, 10.0));
    let column = Block(1090.0, -20.0, 164.0, 800.0, 3.0);
    c.shadow(&column, (-10.0, 0.0), 16.0, 0.5);
    c.solid(&column, Surface::new(142.0, 21).bevel(6.0).wear(22.0, 15.0));
    for k in 0..4 {
        c.solid(&Block(1090.0, 158.0 + k as f32 * 196.0, 164.0, 3.0, 0.0), Surface::new(88.0, 22).bevel(0.0));
    }
    c.plate(1124.0, 222.0, 62.0, 44.0, 23);
    c.bolt(1208.0, 236.0, 8.0, 24);
    c.bolt(1208.0, 296.0, 8.0, 25);
    c.weld((1120.0, 300.0), (1180.0, 306.0), 4.0, 26);
    for k in 0..3 {
        c.bolt(1108.0, 420.0 + k as f32 * 90.0, 7.0, 27 + k);
        c.bolt(1236.0, 420.0 + k as f32 * 90.0, 7.0, 31 + k);
    }
}

fn frame() -> Canvas {
    let mut c = part_canvas([150, 236, 470, 170]);
    c.solid(&Block(150.0, 236.0, 470.0, 170.0, 5.0), Surface::new(128.0, 50).bevel(5.0).wear(20.0, 15.0));
    c.shadow(&Block(150.0, 262.0, 470.0, 118.0, 2.0), (0.0, 4.0), 5.0, 0.35);
    c.solid(&Block(150.0, 266.0, 470.0, 112.0, 3.0), Surface::new(112.0, 51).bevel(3.0).wear(22.0, 16.0));
    let splice = Block(276.0, 246.0, 176.0, 146.0, 7.0);
    c.shadow(&splice, (4.0, 5.0), 6.0, 0.55);
    c.solid(&splice, Surface::new(134.0, 52).bevel(4.0).wear(20.0, 16.0));
    for col in 0..4 {
        for row in 0..3 {
            c.bolt(300.0 + col as f32 * 43.0, 272.0 + row as f32 * 46.0, 9.0, 90 + col * 3 + row);
        }
    }
    c.weld((170.0, 262.0), (270.0, 262.0), 4.0, 53);
    c.weld((458.0, 380.0), (600.0, 380.0), 4.0, 54);
    for x in [200.0, 520.0] {
        let rib = Block(x, 262.0, 14.0, 120.0, 2.0);
        c.shadow(&rib, (4.0, 2.0), 4.0, 0.5);
        c.solid(&rib, Surface::new(126.0, 55).bevel(3.0));
    }
    c.plate(540.0, 290.0, 56.0, 40.0, 56);
    c
}

fn bearing() -> Canvas {
    let mut c = part_canvas([696, 296, 288, 288]);
    c.solid(&Block(706.0, 500.0, 268.0, 76.0, 12.0), Surface::new(118.0, 60).bevel(6.0).wear(20.0, 15.0));
    c.bolt(736.0, 540.0, 13.0, 61);
    c.bolt(944.0, 540.0, 13.0, 62);
    c.solid(&Disc(840.0, 440.0, 138.0), Surface::new(124.0, 63).bevel(9.0).wear(20.0, 16.0));
    c.shadow(&Ring(840.0, 440.0, 84.0, 9.0), (2.0, 3.0), 5.0, 0.5);
    c.solid(&Disc(840.0, 440.0, 84.0), Surface::new(142.0, 64).bevel(6.0).wear(22.0, 17.0));
    for k in 0..8 {
        let a = 0.39 + k as f32 * std::f32::consts::FRAC_PI_4;
        c.bolt(840.0 + 110.0 * a.cos(), 440.0 + 110.0 * a.sin(), 10.5, 100 + k);
        c.bolt(840.0 + 62.0 * (a + 0.39).cos(), 440.0 + 62.0 * (a + 0.39).sin(), 7.0, 120 + k);
    }
    c.shadow(&Disc(840.0, 440.0, 40.0), (3.0, 4.0), 6.0, 0.6);
    c.solid(&Disc(840.0, 440.0, 38.0), Surface::new(160.0, 65).bevel(6.0).wear(18.0, 15.0));
    c.solid(&Ring(840.0, 440.0, 24.0, 2.2), Surface::new(74.0, 66).bevel(0.0));
    c.solid(&Disc(840.0, 440.0, 7.0), Surface::new(40.0, 67).bevel(2.0));
    c.solid(&Stroke(846.0, 418.0, 862.0, 402.0, 2.2), Surface::new(60.0, 68).bevel(0.0));
    // Grease nipple with its streak.
    c.solid(&Disc(792.0, 352.0, 7.0), Surface::new(178.0, 69).bevel(3.0));
    c.solid(&Stroke(793.0, 362.0, 800.0, 392.0, 2.0), Surface::new(56.0, 70).bevel(0.0));
    c
}
