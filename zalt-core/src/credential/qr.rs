use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// The light border that a reader needs, in modules (ISO/IEC 18004).
const MARGIN: i32 = 4;

/// A QR code as an SVG; `None` if the text is too long for one.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size() + 2 * MARGIN;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{},{}h1v1h-1z", x + MARGIN, y + MARGIN).ok()?;
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\" \
         role=\"img\" aria-label=\"QR code\"><path fill=\"#fff\" d=\"M0,0h{size}v{size}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_of_modules_and_holds_no_text() {
        let svg = svg("otpauth://totp/Acme:ada?secret=GEZDGNBV").unwrap();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"));
        assert!(
            svg.contains("viewBox=\"0 0 37 37\""),
            "version 3 and its margin"
        );
        assert!(!svg.contains("GEZDGNBV"));
        assert_eq!(super::svg(&"x".repeat(5000)), None);
    }
}
