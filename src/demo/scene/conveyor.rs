//! The conveyor drive: motor, coupling, gearbox and pulley guard in front of a sheet-metal wall.

use super::{Layout, RoiInfo, Stage, part_canvas};
use crate::demo::canvas::{Block, Canvas, Disc, Ring, Stroke, Surface};
use crate::demo::motion::{Motion, Schedule};

const MOTOR: Schedule = Schedule {
    period_s: 180.0,
    knots: &[
        (0.0, 0.4),
        (54.0, 0.4),
        (58.0, 0.85),
        (76.0, 0.85),
        (80.0, 0.4),
        (136.0, 0.4),
        (140.0, 0.0),
        (164.0, 0.0),
        (168.0, 0.4),
        (180.0, 0.4),
    ],
};
const GEARBOX: Schedule = Schedule {
    period_s: 180.0,
    knots: &[
        (0.0, 0.5),
        (86.0, 0.5),
        (90.0, 1.1),
        (112.0, 1.1),
        (116.0, 0.5),
        (136.0, 0.5),
        (140.0, 0.0),
        (164.0, 0.0),
        (168.0, 0.5),
        (180.0, 0.5),
    ],
};
/// When the conveyor stands still, in seconds of a round of 180 s.
pub const STOPPED_S: (f64, f64) = (140.0, 164.0);

/// Size and regions.
pub const LAYOUT: Layout = Layout {
    size: (960, 540),
    rois: &[
        RoiInfo {
            id: "conveyor-motor",
            rect: [152, 226, 112, 112],
            motion: Some(Motion { hz: 8.1, amplitude_px: [0.20, 0.985], phase: [0.9, 0.0], schedule: MOTOR }),
        },
        RoiInfo {
            id: "conveyor-gearbox",
            rect: [452, 216, 112, 112],
            motion: Some(Motion { hz: 6.4, amplitude_px: [0.94, 0.36], phase: [0.0, 2.8], schedule: GEARBOX }),
        },
        RoiInfo { id: "conveyor-guard", rect: [742, 226, 112, 112], motion: None },
    ],
    shakes: false,
};

/// Paints the scene.
pub fn stage() -> Stage {
    let mut back = super::background(LAYOUT.size);
    wall(&mut back);
    floor(&mut back);
    guard(&mut back);
    back.shadow(&Block(60.0, 180.0, 290.0, 210.0, 14.0), (12.0, 18.0), 18.0, 0.6);
    back.shadow(&Block(400.0, 160.0, 216.0, 236.0, 14.0), (12.0, 18.0), 18.0, 0.6);
    Stage { background: back, parts: vec![motor(), gearbox()] }
}

fn wall(c: &mut Canvas) {
    c.solid(&Block(-20.0, -20.0, 1000.0, 580.0, 0.0), Surface::new(92.0, 1).bevel(0.0).wear(16.0, 9.0));
    for k in 0..34 {
        let strip = Block(-16.0 + k as f32 * 29.0, -16.0, 29.0, 440.0, 0.0);
        c.cylinder(&strip, false, 0.35, 0.42);
    }
    // Belt with its stringer and return rollers.
    let belt = Block(-20.0, 54.0, 1000.0, 36.0, 2.0);
    c.shadow(&belt, (0.0, 26.0), 18.0, 0.5);
    c.solid(&belt, Surface::new(44.0, 2).bevel(3.0).wear(10.0, 8.0));
    for k in 0..7 {
        let roller = Block(30.0 + k as f32 * 140.0, 88.0, 60.0, 22.0, 9.0);
        c.shadow(&roller, (3.0, 6.0), 5.0, 0.5);
        c.solid(&roller, Surface::new(120.0, 3 + k as u32).bevel(0.0));
        c.cylinder(&roller, true, 0.35, 0.8);
    }
    c.solid(&Block(-20.0, 112.0, 1000.0, 22.0, 1.0), Surface::new(104.0, 12).bevel(4.0).wear(18.0, 10.0));
    for k in 0..12 {
        c.bolt(24.0 + k as f32 * 84.0, 123.0, 5.0, 13 + k);
    }
}

fn floor(c: &mut Canvas) {
    c.solid(&Block(-20.0, 424.0, 1000.0, 140.0, 0.0), Surface::new(70.0, 30).bevel(0.0).wear(18.0, 9.0));
    let base = Block(30.0, 382.0, 640.0, 54.0, 3.0);
    c.shadow(&base, (4.0, 14.0), 14.0, 0.6);
    c.solid(&base, Surface::new(112.0, 31).bevel(6.0).wear(22.0, 12.0));
    for k in 0..9 {
        c.bolt(66.0 + k as f32 * 71.0, 416.0, 7.0, 32 + k);
    }
    for k in 0..24 {
        let x = -10.0 + k as f32 * 42.0;
        for (row, y) in [462.0, 488.0, 516.0].into_iter().enumerate() {
            let shift = if row % 2 == 0 { 0.0 } else { 21.0 };
            c.solid(
                &Stroke(x + shift, y, x + shift + 18.0, y, 4.0 + row as f32),
                Surface::new(28.0, 33).bevel(0.0).wear(5.0, 5.0),
            );
        }
    }
    // Coupling guard between motor and gearbox.
    let coupling = Block(344.0, 238.0, 64.0, 92.0, 8.0);
    c.solid(&coupling, Surface::new(134.0, 45).bevel(3.0));
    c.cylinder(&coupling, true, 0.3, 0.7);
    for k in 0..5 {
        c.solid(&Block(352.0 + k as f32 * 11.0, 246.0, 4.0, 76.0, 2.0), Surface::new(58.0, 46).bevel(0.0));
    }
}

fn guard(c: &mut Canvas) {
    let frame = Block(690.0, 166.0, 236.0, 262.0, 10.0);
    c.shadow(&frame, (10.0, 14.0), 16.0, 0.6);
    c.solid(&frame, Surface::new(150.0, 50).bevel(6.0).wear(20.0, 13.0));
    c.solid(&Block(710.0, 186.0, 196.0, 222.0, 4.0), Surface::new(112.0, 51).bevel(0.0).wear(22.0, 14.0));
    for row in 0..16 {
        for col in 0..13 {
            let x = 722.0 + col as f32 * 14.4 + if row % 2 == 0 { 0.0 } else { 7.2 };
            c.solid(
                &Disc(x, 197.0 + row as f32 * 13.4, 4.4),
                Surface::new(38.0 + 26.0 * crate::demo::canvas::hash(col, row, 52), 53).bevel(0.0).wear(8.0, 8.0),
            );
        }
    }
    c.solid(&Stroke(712.0, 296.0, 904.0, 292.0, 6.0), Surface::new(140.0, 54).bevel(3.0).wear(18.0, 13.0));
    c.plate(780.0, 244.0, 62.0, 34.0, 55);
    for (x, y) in [(700.0, 178.0), (916.0, 178.0), (700.0, 416.0), (916.0, 416.0), (808.0, 294.0)] {
        c.bolt(x, y, 6.5, x as u32 + y as u32);
    }
}

fn motor() -> Canvas {
    let mut c = part_canvas([60, 150, 290, 240]);
    for x in [96.0, 250.0] {
        c.solid(&Block(x, 350.0, 64.0, 36.0, 4.0), Surface::new(112.0, 60).bevel(4.0));
        c.bolt(x + 32.0, 368.0, 8.0, 61 + x as u32);
    }
    let body = Block(104.0, 196.0, 212.0, 168.0, 12.0);
    c.solid(&body, Surface::new(122.0, 62).bevel(3.0).wear(20.0, 15.0));
    for k in 0..10 {
        let y = 206.0 + k as f32 * 15.8;
        c.solid(
            &Stroke(116.0, y + 4.0, 304.0, y + 4.0, 2.6),
            Surface::new(58.0, 63 + k as u32).bevel(0.0).wear(12.0, 12.0),
        );
        c.solid(&Stroke(116.0, y, 304.0, y, 2.4), Surface::new(150.0, 75 + k as u32).bevel(1.5).wear(20.0, 15.0));
    }
    c.cylinder(&body, true, 0.34, 0.5);
    let cover = Block(66.0, 202.0, 44.0, 156.0, 14.0);
    c.solid(&cover, Surface::new(112.0, 64).bevel(5.0));
    c.cylinder(&cover, true, 0.34, 0.55);
    for k in 0..6 {
        c.solid(&Block(74.0, 220.0 + k as f32 * 20.0, 24.0, 6.0, 3.0), Surface::new(38.0, 65).bevel(0.0));
    }
    c.solid(&Block(310.0, 222.0, 30.0, 116.0, 6.0), Surface::new(130.0, 66).bevel(5.0));
    let terminal = Block(176.0, 158.0, 90.0, 58.0, 5.0);
    c.shadow(&terminal, (3.0, 6.0), 6.0, 0.5);
    c.solid(&terminal, Surface::new(138.0, 67).bevel(4.0).wear(18.0, 14.0));
    for (x, y) in [(184.0, 166.0), (258.0, 166.0), (184.0, 208.0), (258.0, 208.0)] {
        c.bolt(x, y, 4.0, 68 + x as u32);
    }
    c.plate(172.0, 252.0, 72.0, 48.0, 69);
    c.bolt(252.0, 322.0, 6.0, 70);
    c.bolt(164.0, 322.0, 6.0, 71);
    c.solid(&Stroke(206.0, 304.0, 214.0, 340.0, 2.2), Surface::new(46.0, 72).bevel(0.0));
    c
}

fn gearbox() -> Canvas {
    let mut c = part_canvas([400, 160, 216, 236]);
    c.solid(&Block(402.0, 352.0, 212.0, 40.0, 5.0), Surface::new(112.0, 80).bevel(5.0).wear(20.0, 14.0));
    let body = Block(412.0, 166.0, 192.0, 206.0, 20.0);
    c.solid(&body, Surface::new(126.0, 81).bevel(8.0).wear(22.0, 16.0));
    let flange = Block(404.0, 256.0, 208.0, 20.0, 3.0);
    c.shadow(&flange, (2.0, 4.0), 4.0, 0.5);
    c.solid(&flange, Surface::new(138.0, 82).bevel(4.0).wear(18.0, 14.0));
    for k in 0..6 {
        c.bolt(420.0 + k as f32 * 35.0, 266.0, 7.0, 83 + k);
    }
    for k in 0..4 {
        let rib = Block(432.0 + k as f32 * 46.0, 286.0, 10.0, 70.0, 3.0);
        c.shadow(&rib, (4.0, 2.0), 4.0, 0.5);
        c.solid(&rib, Surface::new(134.0, 90 + k as u32).bevel(3.0).wear(20.0, 15.0));
    }
    for (x, y, r) in [(452.0, 214.0, 32.0), (548.0, 216.0, 38.0)] {
        c.shadow(&Disc(x, y, r), (3.0, 4.0), 5.0, 0.5);
        c.solid(&Disc(x, y, r), Surface::new(140.0, 95 + x as u32).bevel(5.0).wear(20.0, 16.0));
        c.solid(&Ring(x, y, r * 0.5, 1.8), Surface::new(76.0, 96).bevel(0.0));
        for k in 0..6 {
            let a = 0.3 + k as f32 * std::f32::consts::FRAC_PI_3;
            c.bolt(x + r * 0.76 * a.cos(), y + r * 0.76 * a.sin(), 4.2, 97 + k);
        }
    }
    c.solid(&Disc(580.0, 312.0, 12.0), Surface::new(176.0, 98).bevel(3.0));
    c.solid(&Disc(580.0, 312.0, 7.5), Surface::new(52.0, 99).bevel(2.0));
    c.plate(486.0, 292.0, 34.0, 30.0, 100);
    for (x, y) in [(420.0, 376.0), (596.0, 376.0)] {
        c.bolt(x, y, 8.0, 101 + x as u32);
    }
    c
}
