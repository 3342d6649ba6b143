package visible_test

import (
	"testing"

	"tegata/internal/visible"
)

func TestNothingIsHidden(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"what is seen stays", "手形 100円\n\tA", "手形 100円\n\tA"},
		{"a direction mark", "1\u202E00", "1[U+202E]00"},
		{"a joiner without width", "a\u200Bb", "a[U+200B]b"},
		{"a carriage return goes back over the line", "100\r999", "100[U+000D]999"},
		{"a filler", "a\u3164b", "a[U+3164]b"},
		{"a variation selector draws a name", "葛\U000E0100", "葛\U000E0100"},
	} {
		if got := visible.Text(c.in); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestWhatSaysNothing(t *testing.T) {
	for _, s := range []string{"", " \n\t", "\u3000\u00A0", "\u200B\uFEFF", "\u3164", "\u0301"} {
		if visible.Any(s) {
			t.Errorf("%q says something", s)
		}
	}
	if !visible.Any(" \n 。") {
		t.Error("a full stop cannot be seen")
	}
}
