package ui

import (
	"errors"
	"fmt"
	"html/template"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QR draws content as a QR code (ISO/IEC 18004, error correction M) in SVG,
// with the quiet zone of four modules. content must be ASCII: the encoder
// writes no ECI, so scanners would guess at anything else. label is read out
// in place of the picture.
func QR(content, label string) (template.HTML, error) {
	for _, c := range []byte(content) {
		if c < 0x20 || c > 0x7e {
			return "", errors.New("ui: a QR code carries printable ASCII only")
		}
	}
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("ui: draw QR code of %d bytes: %w", len(content), err)
	}
	n := code.Bounds().Dx()
	const quiet = 4 // modules, ISO/IEC 18004, 9.1
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="qr" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges">`,
		n+2*quiet, n+2*quiet, template.HTMLEscapeString(label))
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path fill="#000" d="`, n+2*quiet)
	for y := range n {
		for x := 0; x < n; x++ {
			if !dark(code.At(x, y)) {
				continue
			}
			run := x
			for run < n && dark(code.At(run, y)) {
				run++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run-x, run-x)
			x = run
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil // our own numbers and an escaped label
}

// dark reports whether a module is black; the encoder draws in two colours.
func dark(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}
