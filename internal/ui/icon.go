package ui

import (
	"encoding/base64"
	"html/template"
	"unicode/utf8"
)

// Icon is one of our line drawings, 24 by 24, in the colour of the text. It is
// hidden from screen readers: the word beside it says the same. An unknown
// name draws nothing.
func Icon(name string) template.HTML {
	d, ok := icons()[name]
	if !ok {
		return ""
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">` + d + `</svg>`)
}

func icons() map[string]string {
	return map[string]string{
		"home":    `<path d="M3 11.5 12 4l9 7.5M5.5 9.8V20h13V9.8M10 20v-6h4v6"/>`,
		"scan":    `<path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16"/>`,
		"history": `<path d="M4 5v5h5M4.6 10A8 8 0 1 1 4 13.5M12 8v4.5l3 2"/>`,
		"gear":    `<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.5"/><circle cx="8" cy="17" r="2.5"/>`,
		"card":    `<rect x="2.5" y="5" width="19" height="14" rx="2.5"/><path d="M2.5 9.5h19M6 15h4"/>`,
		"phone":   `<rect x="6.5" y="2.5" width="11" height="19" rx="2.5"/><path d="M10.5 18.5h3"/>`,
		"check":   `<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
		"cross":   `<path d="m6 6 12 12M18 6 6 18"/>`,
		"warn":    `<path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.3v.1"/>`,
		"info":    `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.6v.1"/>`,
		"ask":     `<circle cx="12" cy="12" r="9"/><path d="M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.8v.1"/>`,
		"clock":   `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.5 2"/>`,
		"back":    `<path d="m14.5 5-7 7 7 7"/>`,
		"next":    `<path d="m9.5 5 7 7-7 7"/>`,
		"lock":    `<rect x="4.5" y="10.5" width="15" height="10" rx="2"/><path d="M8 10.5V7.5a4 4 0 0 1 8 0v3M12 14.5v2"/>`,
		"key":     `<circle cx="7.5" cy="12" r="4"/><path d="M11.5 12H21M17.5 12v3.5"/>`,
		"eye":     `<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="3"/>`,
		"net":     `<path d="M3 9.5a13 13 0 0 1 18 0M6 13a9 9 0 0 1 12 0M9 16.4a4.6 4.6 0 0 1 6 0M12 19.6v.1"/>`,
		"nonet":   `<path d="M3 9.5a13 13 0 0 1 8-3.5M16 6.8a13 13 0 0 1 5 2.7M6 13a9 9 0 0 1 4-2.2M9 16.4a4.6 4.6 0 0 1 6 0M12 19.6v.1M4 3.5l16 17"/>`,
		"nfc":     `<path d="M5 8v8M9 6.5c1.6 3.5 1.6 7.5 0 11M13 5c2.2 4.5 2.2 9.5 0 14M17 3.5c2.8 5.5 2.8 11.5 0 17"/>`,
		"nonfc":   `<path d="M5 8v8M9 6.5c1.6 3.5 1.6 7.5 0 11M13 5c.9 1.9 1.5 3.900 1.600 5.900M4 3.500l16 17"/>`,
		"power":   `<path d="M12 3v8M7 6.300a8 8 0 1 0 10 0"/>`,
		"person":  `<circle cx="12" cy="8" r="4"/><path d="M4 20.500c1-4 4-6 8-6s7 2 8 6"/>`,
		"place":   `<path d="M12 21s7-6.500 7-11.500a7 7 0 0 0-14 0C5 14.500 12 21 12 21z"/><circle cx="12" cy="9.500" r="2.500"/>`,
		"list":    `<path d="M8.500 6H20M8.500 12H20M8.500 18H20M4 6h.1M4 12h.1M4 18h.1"/>`,
		"pen":     `<path d="m4 20 1-4.500L16 4.500l3.500 3.500L8.500 19zM13.500 7l3.500 3.500"/>`,
		"arrow":   `<path d="M4 12h15M13 6l6 6-6 6"/>`,
		"erase":   `<path d="M8.500 5.500H20v13H8.500L3 12zM11.500 9.500l5 5M16.500 9.500l-5 5"/>`,
		"qr":      `<rect x="4" y="4" width="6" height="6"/><rect x="14" y="4" width="6" height="6"/><rect x="4" y="14" width="6" height="6"/><path d="M14 14h2v2M20 14v6h-6v-2"/>`,
	}
}

// Mark is the small drawing of a party, 32 by 32, in the colour of the text
// around it: one of our own by name, else the 1 to 4 characters of a
// registration, drawn as text; anything else is the plain drawing.
func Mark(name string) template.HTML {
	d, ok := marks()[name]
	if n := utf8.RuneCountInString(name); !ok && n >= 1 && n <= 4 {
		return template.HTML(`<span class="mark mark-text" aria-hidden="true">` + template.HTMLEscapeString(name) + `</span>`)
	}
	if !ok {
		d = marks()["party"]
	}
	return template.HTML(`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false" fill="currentColor">` + d + `</svg>`)
}

// PNG is a picture as the address of an image within a page, "" for none: no page fetches
// a party's picture from anywhere.
func PNG(picture []byte) template.URL {
	if len(picture) == 0 {
		return ""
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture))
}

// MarkNames lists the marks that can be named in a registration.
func MarkNames() []string { return names(marks()) }

func marks() map[string]string {
	const plate = `<path fill-rule="evenodd" d="`
	return map[string]string{
		// the pass of a traveller: a wooden plate with its cord hole
		"tegata":       plate + `M16 2 28 9v21H4V9zm0 6.500a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400zM9 17v2.500h14V17zm0 5.500V25h14v-2.500z"/>`,
		"phone":        plate + `M16 2 28 9v21H4V9zm0 6.500a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400zM9 17v2.500h14V17zm0 5.500V25h14v-2.500z"/>`,
		"portal":       plate + `M4 29V14a12 12 0 0 1 24 0v15h-7V14.500a5 5 0 0 0-10 0V29zm10-9h4v9h-4z"/>`,
		"street":       plate + `M12 2h8v3h3a5 5 0 0 1 5 5v11a5 5 0 0 1-5 5h-3v4h-8v-4H9a5 5 0 0 1-5-5V10a5 5 0 0 1 5-5h3zM8 12v2.200h16V12zm0 5v2.200h16V17z"/>`,
		"municipality": plate + `M16 2 30 11v3H2v-3zM5 16h4v9H5zm6 0h4v9h-4zm6 0h4v9h-4zm6 0h4v9h-4zM3 27h26v3H3z"/>`,
		"verifier":     plate + `M16 2 28 6v10c0 7-5 11.500-12 14C9 27.500 4 23 4 16V6zm-2 19 9-9-2.300-2.300-6.700 6.700-3.200-3.200L8.500 15.500z"/>`,
		"issuer":       plate + `M16 2a10 10 0 0 1 6 18l1.500 10L16 26l-7.500 4L10 20A10 10 0 0 1 16 2zm0 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10z"/>`,
		"kiosk":        plate + `M7 2h18v15H7zm3 3v9h12V5zM5 19h22v4h-4v-1.500H9V23H5zm5 5h12v6H10z"/>`,
		"clinic":       plate + `M12 3h8v9h9v8h-9v9h-8v-9H3v-8h9z"/>`,
		"insurer":      plate + `M16 3a13 13 0 0 1 13 12H18v10.500a4.500 4.500 0 1 1-9 0h3a1.500 1.500 0 0 0 3 0V15H3A13 13 0 0 1 16 3z"/>`,
		"health":       plate + `M16 29C8 23 3 17.500 3 11.500A6.800 6.800 0 0 1 16 8.300a6.800 6.800 0 0 1 13 3.200C29 17.500 24 23 16 29z"/>`,
		"bank":         plate + `M16 3a13 13 0 1 1 0 26 13 13 0 0 1 0-26zm-6 6 4.500 7H10v2h4.800v2H10v2h4.800v3h2.400v-3H22v-2h-4.800v-2H22v-2h-4.500L22 9h-2.700L16 14.500 12.700 9z"/>`,
		"carrier":      plate + `M4 22h5v7H4zm7-6h5v13h-5zm7-6h5v19h-5zm7-7h4v26h-4z"/>`,
		"pay":          plate + `M3 7h22v4h4v14H3zm19 9v4h5v-4z"/>`,
		"helpdesk":     plate + `M16 3a12 12 0 0 1 12 12v9a4 4 0 0 1-4 4h-6v-3h6v-1h-3v-9h4a9 9 0 0 0-18 0h4v9H8a4 4 0 0 1-4-4v-5A12 12 0 0 1 16 3z"/>`,
		"party":        plate + `M16 3a13 13 0 1 1 0 26 13 13 0 0 1 0-26zm0 5a8 8 0 1 0 0 16 8 8 0 0 0 0-16z"/>`,
	}
}
