//! Charts as SVG made here: bars, a matrix, shares. They carry no colour that means something alone: the figures stand
//! in them, and a table beside says the same. Nothing in them comes from outside but numbers and the labels given.

use std::fmt::Write;

/// A bar with its label and number.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub label: String,
    pub value: i64,
    /// Drawn hatched: of another sort than the others, such as what is overdue.
    pub is_marked: bool,
}

/// A square of a matrix: its number, and how dark it is, 0 to 4.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile {
    pub value: i64,
    pub shade: usize,
}

/// A text in SVG.
fn text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The head of a chart that screen readers name by its title and description.
fn open(id: &str, (width, height): (i64, i64), title: &str, description: &str) -> String {
    let (title, description) = (text(title), text(description));
    format!(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{title}</title><desc id=\"{id}-desc\">{description}</desc>\
         <defs><pattern id=\"{id}-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"6\" height=\"6\"/>\
         <rect class=\"hatch-line\" width=\"2.5\" height=\"6\"/></pattern></defs>"
    )
}

/// Upright bars on a common ground, each with its number above.
pub(super) fn bars(id: &str, title: &str, description: &str, bars: &[Bar]) -> String {
    const STEP: i64 = 44;
    const HEIGHT: i64 = 150;
    const GROUND: i64 = 120;
    let count = i64::try_from(bars.len()).unwrap_or_default();
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let width = count * STEP + 8;
    let mut svg = open(id, (width, HEIGHT), title, description);
    for (bar, nth) in bars.iter().zip(0_i64..) {
        let x = 8 + nth * STEP;
        let middle = x + (STEP - 8) / 2;
        let height = if bar.value == 0 {
            0
        } else {
            (bar.value * 96 / most).max(2)
        };
        let (y, label) = (GROUND - height, text(&bar.label));
        let fill = if bar.is_marked {
            format!("fill=\"url(#{id}-hatch)\" class=\"marked\"")
        } else {
            "class=\"bar-fill\"".to_owned()
        };
        let _ = write!(
            svg,
            "<rect {fill} x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            STEP - 8,
            y - 4,
            bar.value,
            GROUND + 16,
        );
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"4\" y1=\"{GROUND}\" x2=\"{}\" y2=\"{GROUND}\"/></svg>",
        width - 4
    );
    svg
}

/// Five by five squares: upwards by impact, to the right by exposure. `at` answers a square.
pub(super) fn matrix(
    id: &str,
    title: &str,
    description: &str,
    (up, right): (&str, &str),
    at: impl Fn(i32, i32) -> Tile,
) -> String {
    const SIDE: i64 = 48;
    const LEFT: i64 = 44;
    let size = 5 * SIDE;
    let mut svg = open(id, (LEFT + size + 4, size + 44), title, description);
    for impact in 1..=5_i32 {
        for exposure in 1..=5_i32 {
            let tile = at(impact, exposure);
            let (x, y) = (LEFT + i64::from(exposure - 1) * SIDE, i64::from(5 - impact) * SIDE);
            let _ = write!(
                svg,
                "<rect class=\"tile shade-{}\" x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\"/>",
                tile.shade.min(4)
            );
            if tile.value > 0 {
                let _ = write!(
                    svg,
                    "<text class=\"on-{}\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    tile.shade.min(4),
                    x + SIDE / 2,
                    y + SIDE / 2 + 5,
                    tile.value
                );
            }
        }
        let at = i64::from(5 - impact) * SIDE + SIDE / 2 + 4;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{at}\" text-anchor=\"end\">{impact}</text>",
            LEFT - 8
        );
        let under = LEFT + i64::from(impact - 1) * SIDE + SIDE / 2;
        let _ = write!(
            svg,
            "<text x=\"{under}\" y=\"{}\" text-anchor=\"middle\">{impact}</text>",
            size + 18
        );
    }
    let (up, right) = (text(up), text(right));
    let half = size / 2;
    let _ = write!(
        svg,
        "<text x=\"12\" y=\"{half}\" text-anchor=\"middle\" transform=\"rotate(-90 12 {half})\">{up}</text>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{right}</text></svg>",
        LEFT + half,
        size + 38
    );
    svg
}

/// Lying bars from 0 to 100 percent, each with its label before and its number behind.
pub(super) fn shares(id: &str, title: &str, description: &str, shares: &[(String, i64)]) -> String {
    const ROW: i64 = 30;
    const LEFT: i64 = 150;
    const FULL: i64 = 150;
    let rows = i64::try_from(shares.len()).unwrap_or_default();
    let mut svg = open(id, (LEFT + FULL + 56, rows * ROW + 6), title, description);
    for ((label, percent), nth) in shares.iter().zip(0_i64..) {
        let (y, percent) = (nth * ROW + 6, (*percent).clamp(0, 100));
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect class=\"tile shade-0\" x=\"{LEFT}\" y=\"{y}\" width=\"{FULL}\" height=\"18\"/>\
             <rect class=\"bar-fill\" x=\"{LEFT}\" y=\"{y}\" width=\"{}\" height=\"18\"/>\
             <text x=\"{}\" y=\"{}\">{percent}%</text>",
            LEFT - 8,
            y + 14,
            text(label),
            FULL * percent / 100,
            LEFT + FULL + 8,
            y + 14,
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, value: i64, is_marked: bool) -> Bar {
        Bar {
            label: label.to_owned(),
            value,
            is_marked,
        }
    }

    #[test]
    fn bars_stand_on_the_ground_and_say_their_numbers() {
        let svg = bars(
            "due",
            "題",
            "説明",
            &[bar("超過", 3, true), bar("4月", 6, false), bar("5月", 0, false)],
        );
        assert!(svg.starts_with("<svg class=\"chart\"") && svg.ends_with("</svg>"));
        assert!(svg.contains("role=\"img\"") && svg.contains("<title id=\"due-title\">題</title>"));
        assert!(svg.contains("fill=\"url(#due-hatch)\""));
        for (height, value) in [(48, 3), (96, 6), (0, 0)] {
            assert!(svg.contains(&format!("height=\"{height}\"")), "{height}: {svg}");
            assert!(svg.contains(&format!(">{value}</text>")), "{value}: {svg}");
        }
    }

    #[test]
    fn a_label_cannot_become_markup() {
        let svg = bars("x", "<b>", "\"&", &[bar("<script>", 1, false)]);
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;") && svg.contains("&quot;&amp;"), "{svg}");
    }

    #[test]
    fn the_matrix_has_a_square_for_every_pair() {
        let svg = matrix("risk", "題", "説明", ("影響", "露出"), |impact, exposure| Tile {
            value: i64::from(impact * 10 + exposure),
            shade: 9,
        });
        assert_eq!(svg.matches("<rect class=\"tile shade-4\"").count(), 25);
        for impact in 1..=5 {
            for exposure in 1..=5 {
                assert!(svg.contains(&format!(">{}</text>", impact * 10 + exposure)));
            }
        }
    }

    #[test]
    fn a_share_is_drawn_to_scale_and_never_beyond() {
        let svg = shares("c", "題", "説明", &[("甲".to_owned(), 50), ("乙".to_owned(), 400)]);
        assert!(svg.contains("width=\"75\"") && svg.contains("50%"), "{svg}");
        assert!(svg.contains("width=\"150\"") && svg.contains("100%"), "{svg}");
    }
}
