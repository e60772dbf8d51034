//! Rendered motion against the truth.

use super::*;

/// Shift of `b` against `a` within a region by iterated least squares on the gradients (Lucas–Kanade), in pixels.
pub fn measure(a: &[f32], b: &[f32], w: usize, [x0, y0, rw, rh]: [u32; 4]) -> (f64, f64) {
    let (mut dx, mut dy) = (0.0_f64, 0.0_f64);
    for _ in 0..5 {
        let (mut xx, mut xy, mut yy, mut xe, mut ye) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for y in y0..y0 + rh {
            for x in x0..x0 + rw {
                let at = |p: &[f32], x: f64, y: f64| cubic(p, w, x, y);
                let (fx, fy) = (f64::from(x), f64::from(y));
                let v = at(b, fx + dx, fy + dy);
                let gx = (at(b, fx + dx + 0.5, fy + dy) - at(b, fx + dx - 0.5, fy + dy)).clamp(-99.0, 99.0);
                let gy = (at(b, fx + dx, fy + dy + 0.5) - at(b, fx + dx, fy + dy - 0.5)).clamp(-99.0, 99.0);
                let e = f64::from(a[y as usize * w + x as usize]) - v;
                xx += gx * gx;
                xy += gx * gy;
                yy += gy * gy;
                xe += gx * e;
                ye += gy * e;
            }
        }
        let det = xx * yy - xy * xy;
        dx += (yy * xe - xy * ye) / det;
        dy += (xx * ye - xy * xe) / det;
    }
    (dx, dy)
}

/// Windowed-sinc interpolation, written independently of the renderer's (Lanczos, 10 taps).
fn cubic(p: &[f32], w: usize, x: f64, y: f64) -> f64 {
    let lanczos = |u: f64| {
        if u.abs() < 1e-9 {
            1.0
        } else if u.abs() >= 5.0 {
            0.0
        } else {
            let q = std::f64::consts::PI * u;
            (q.sin() / q) * ((q / 5.0).sin() / (q / 5.0))
        }
    };
    let (ix, iy) = (x.floor(), y.floor());
    let tx: [f64; 10] = std::array::from_fn(|k| lanczos(x - ix - (k as f64 - 4.0)));
    let ty: [f64; 10] = std::array::from_fn(|k| lanczos(y - iy - (k as f64 - 4.0)));
    let (sx, sy) = (tx.iter().sum::<f64>(), ty.iter().sum::<f64>());
    let mut sum = 0.0;
    for (j, wy) in ty.iter().enumerate() {
        let row = (iy as i64 + j as i64 - 4) as usize * w;
        for (i, wx) in tx.iter().enumerate() {
            sum += wy * wx * f64::from(p[row + (ix as i64 + i as i64 - 4) as usize]);
        }
    }
    sum / (sx * sy)
}

fn frame(scene: &mut Scene, n: u64) -> Vec<f32> {
    let (w, h) = scene.size();
    let mut out = vec![0; w * h];
    scene.render_clean(n, &mut out);
    out.into_iter().map(f32::from).collect()
}

#[test]
fn every_region_moves_exactly_as_its_truth_says() {
    for name in NAMES {
        let mut scene = Scene::new(name).expect("a scene");
        let w = scene.size().0;
        let (first, second) = (11, 14);
        let (a, b) = (frame(&mut scene, first), frame(&mut scene, second));
        let sway = |n: u64| if scene.layout.shakes { shake(n as f64 / FPS) } else { (0.0, 0.0) };
        for roi in scene.rois() {
            // A smaller area inside the region keeps the unoptimised test fast.
            let [x, y, rw, rh] = roi.rect;
            let inner = [x + rw / 2 - 32, y + rh / 2 - 32, 64, 64];
            let got = measure(&a, &b, w, inner);
            let before = scene.truth_at_frame(roi.id, first).expect("known");
            let after = scene.truth_at_frame(roi.id, second).expect("known");
            let want = (
                after.0 - before.0 + sway(second).0 - sway(first).0,
                after.1 - before.1 + sway(second).1 - sway(first).1,
            );
            let error = (got.0 - want.0).hypot(got.1 - want.1);
            assert!(error < 0.005, "{}: measured {got:?}, true {want:?}, error {error:.4} px", roi.id);
        }
    }
}

#[test]
fn regions_lie_inside_and_their_parts_cover_them() {
    for name in NAMES {
        let scene = Scene::new(name).expect("a scene");
        let (w, h) = scene.size();
        for (roi, layer) in scene.rois().iter().zip(&scene.layers) {
            let [x, y, rw, rh] = roi.rect.map(|v| v as usize);
            assert!(x + rw <= w && y + rh <= h);
            for (px, py) in (x - 4..x + rw + 4).flat_map(|px| (y - 4..y + rh + 4).map(move |py| (px, py))) {
                let i = (py - layer.y + PAD) * (layer.alpha.width + 2 * PAD) + px - layer.x + PAD;
                assert!(layer.alpha.data[i] > 0.999, "{}: background shows through at {px},{py}", roi.id);
            }
        }
    }
    assert!(Scene::new("nowhere").is_none());
}

#[test]
fn frames_are_the_same_in_every_run_and_faults_show() {
    let mut scene = Scene::new("conveyor").expect("a scene");
    let (w, h) = scene.size();
    let (mut a, mut b) = (vec![0; w * h], vec![0; w * h]);
    scene.render(7, &mut a);
    scene.render(8, &mut b);
    assert_ne!(a, b);
    scene.render(7, &mut b);
    assert_eq!(a, b);
    let mean = |p: &[u8]| p.iter().map(|v| f64::from(*v)).sum::<f64>() / p.len() as f64;
    scene.render_with(7, Veil { dark: true, steam: false }, true, &mut b);
    assert!(mean(&b) < 8.0, "{}", mean(&b));
    scene.render_with(7, Veil { dark: false, steam: true }, true, &mut b);
    let [x, y, rw, rh] = scene.rois()[0].rect.map(|v| v as usize);
    let centre = (y + rh / 2) * w + x + rw / 2;
    assert!(b[centre] > 190, "steam hides the first asset: {}", b[centre]);
}

/// Writes a picture of every scene as PGM, to be looked at: `cargo test paints_pictures -- --ignored`.
#[test]
#[ignore = "writes files for people to look at"]
fn paints_pictures() {
    for name in NAMES {
        let mut scene = Scene::new(name).expect("a scene");
        let (w, h) = scene.size();
        let mut out = vec![0; w * h];
        for (suffix, steam) in [("", false), ("-steam", true)] {
            scene.render_with(3, Veil { dark: false, steam }, true, &mut out);
            let mut file = format!("P5\n{w} {h}\n255\n").into_bytes();
            file.extend_from_slice(&out);
            let path = std::env::temp_dir().join(format!("vms-scene-{name}{suffix}.pgm"));
            std::fs::write(path, file).expect("written");
        }
    }
}
