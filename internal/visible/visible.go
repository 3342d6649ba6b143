// Package visible makes text honest: what a person cannot see is written out, and
// what says nothing is told apart from what says something.
//
// It owns the choice of characters. Where a text comes from, and what it is for, is
// left to the caller. The classes are Unicode's general categories (UAX #44, 5.7.1).
//
// # Trust
//
// The text is a stranger's. Of what Text returns, every character has a picture or is
// a line feed, a tab or a space; the order of letters of a right-to-left script is the
// reader's own business, the marks that would turn other letters round are not.
package visible

import (
	"fmt"
	"strings"
	"unicode"
)

// Text writes what nobody would see by its number, as [U+202E]: control and format
// characters (direction marks among them), line separators, private use, and letters
// that are blank. Variation selectors stay: they choose how the kanji of a name is
// drawn. Line feeds and tabs stay as they are.
func Text(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp), blank(r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Any tells whether s has anything that can be seen.
func Any(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Mn, unicode.Z) && !blank(r) {
			return true
		}
	}
	return false
}

// blank are letters and symbols without a picture: Hangul fillers, the grapheme
// joiner, Khmer inherent vowels, the Braille blank.
func blank(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return false
}
