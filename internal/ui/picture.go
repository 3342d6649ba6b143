package ui

import (
	"html/template"
	"sort"
)

// Picture is one of the drawings a holder may choose for the frame of the own
// phone, 48 by 48. The word beside it says what it shows; an unknown name
// draws nothing.
func Picture(name string) template.HTML {
	d, ok := pictures()[name]
	if !ok {
		return ""
	}
	return template.HTML(`<svg class="picture" viewBox="0 0 48 48" aria-hidden="true" focusable="false">` + d + `</svg>`)
}

// PictureNames lists the drawings in a fixed order. The catalogue names each
// under "ui.picture.NAME".
func PictureNames() []string { return names(pictures()) }

func names(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func pictures() map[string]string {
	const petal = `<ellipse cx="24" cy="12.500" rx="6.500" ry="9" fill="#f7a8c4"`
	return map[string]string{
		"apple":    `<path fill="#ce0000" d="M24 16c-5-4-15-2-15 9 0 10 6 17 11 17 2 0 3-1 4-1s2 1 4 1c5 0 11-7 11-17 0-11-10-13-15-9z"/><path fill="none" stroke="#6b3e1a" stroke-width="3" stroke-linecap="round" d="M24 16c0-5 1-8 4-10"/><path fill="#259d63" d="M28 9c2-4 6-5 10-4-1 4-5 6-10 4z"/>`,
		"bird":     `<path fill="#0066be" d="M6 26c0-9 7-15 15-15 7 0 11 4 12 9l9 2-8 5c-1 8-8 13-15 13C11 40 6 34 6 26z"/><path fill="#57b8ff" d="M11 26c6-1 11 1 14 6-5 5-13 3-14-6z"/><circle cx="27" cy="19" r="2.200" fill="#fff"/>`,
		"boat":     `<path fill="#0055ad" d="M4 31h40l-6 11H10z"/><path fill="#fb5b01" d="M22 4v24H8z"/><path fill="#ffc700" d="M25 10v18h14z"/>`,
		"cat":      `<path fill="#4d4d4d" d="M8 6l10 7h12l10-7v20c0 10-7 16-16 16S8 36 8 26z"/><circle cx="17.500" cy="25" r="3" fill="#ffd43d"/><circle cx="30.500" cy="25" r="3" fill="#ffd43d"/><path fill="#f7a8c4" d="M21.500 31h5L24 34z"/>`,
		"clover":   `<g fill="#1d8b56"><circle cx="17" cy="15" r="8.500"/><circle cx="31" cy="15" r="8.500"/><circle cx="17" cy="28" r="8.500"/><circle cx="31" cy="28" r="8.500"/></g><path fill="none" stroke="#115a36" stroke-width="3" stroke-linecap="round" d="M24 22c0 9 2 16 7 21"/>`,
		"fish":     `<path fill="#008299" d="M4 24c6-11 20-14 29-5l10-8v26l-10-8C24 38 10 35 4 24z"/><circle cx="14" cy="22" r="2.500" fill="#fff"/><path fill="none" stroke="#c8f8ff" stroke-width="2.500" d="M22 17c3 4 3 10 0 14"/>`,
		"fuji":     `<path fill="#3460fb" d="M2 41 18 10h12l16 31z"/><path fill="#fff" d="M18 10h12l5.500 10.700-4 2.800-3.800-3.500-3.700 4.500-3.700-4.500-3.800 3.500-4-2.800z" stroke="#3460fb"/>`,
		"moon":     `<path fill="#b78f00" d="M31 4a20 20 0 1 0 13 27A16 16 0 0 1 31 4z"/><path fill="#ffd43d" d="M27 6a18 18 0 1 0 14 27A17 17 0 0 1 27 6z"/>`,
		"sakura":   `<g>` + petal + `/>` + petal + ` transform="rotate(72 24 24)"/>` + petal + ` transform="rotate(144 24 24)"/>` + petal + ` transform="rotate(216 24 24)"/>` + petal + ` transform="rotate(288 24 24)"/></g><circle cx="24" cy="24" r="4.500" fill="#c8175d"/>`,
		"star":     `<path fill="#ffc700" stroke="#b78f00" stroke-width="2" stroke-linejoin="round" d="m24 4 6 13.500 14.500 1.500-11 9.800L36.800 43 24 35.500 11.200 43l3.300-14.200-11-9.800L18 17.500z"/>`,
		"umbrella": `<path fill="#5109ad" d="M4 25a20 18 0 0 1 40 0c-3-3-7-3-10 0-3-3-7-3-10 0-3-3-7-3-10 0-3-3-7-3-10 0z"/><path fill="none" stroke="#4d4d4d" stroke-width="3" stroke-linecap="round" d="M24 25v14a4 4 0 0 0 8 0M24 7V4"/>`,
		"wave":     `<path fill="#0066be" d="M3 40c0-18 9-30 22-30 8 0 13 5 14 11-4-3-9-2-10 3-1 6 6 9 16 8v8z"/><path fill="#fff" d="M33 14c4 1 6 4 6 7-4-3-9-2-10 3 0-4 0-7 4-10z"/>`,
	}
}
