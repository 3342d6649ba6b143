package ra

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tegata/internal/pki"
)

// maxFact bounds a name or an address that somebody says, in bytes.
const maxFact = 600

// parsed reads what an agent typed. ErrFactsForm.
func (f Facts) parsed(at time.Time) (heard pki.Attributes, err error) {
	birth, err := time.Parse(time.DateOnly, f.BirthDate)
	if err != nil || birth.After(at) {
		return heard, ErrFactsForm.With("field", "birth_date")
	}
	heard = pki.Attributes{Name: spoken(f.Name), Address: spokenAddress(f.Address), BirthDate: pki.EraBirthDate(birth),
		Sex: map[string]string{"male": "1", "female": "2", "unspecified": "9"}[f.Sex]}
	switch {
	case heard.Sex == "":
		return heard, ErrFactsForm.With("field", "sex")
	case heard.Name == "" || len(f.Name) > maxFact:
		return heard, ErrFactsForm.With("field", "name")
	case heard.Address == "" || len(f.Address) > maxFact:
		return heard, ErrFactsForm.With("field", "address")
	}
	return heard, nil
}

// same says whether what was heard is what the register says. All four are compared
// whatever the first of them says.
func same(heard, register pki.Attributes) bool {
	n := 0
	for _, pair := range [][2]string{
		{heard.Name, spoken(register.Name)}, {heard.Address, spokenAddress(register.Address)},
		{heard.BirthDate, register.BirthDate}, {heard.Sex, register.Sex},
	} {
		if pair[0] == pair[1] {
			n++
		}
	}
	return n == 4
}

// alike are characters that nobody can tell apart by ear, and few type: each is
// followed by the one that is ordinarily typed in its place.
const alike = "髙高﨑崎𣘺橋濵浜濱浜邊辺邉辺齋斉齊斉斎斉栁柳德徳𠮷吉澤沢嶋島廣広國国眞真槇槙"

// ordinary is the character that is typed for c.
func ordinary(c rune) rune {
	typed, odd := c, true
	var variant rune
	for _, a := range alike {
		if odd {
			variant = a
		} else if variant == c {
			typed = a
		}
		odd = !odd
	}
	return typed
}

// spoken is a text as an ear knows it: compatibility forms folded (NFKC: wide and narrow
// letters are one), no spaces, no capitals, no variants of a character.
func spoken(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), unicode.Is(unicode.Variation_Selector, c), c == '・', c == '、', c == ',', c == '.':
			return -1
		}
		return unicode.ToLower(ordinary(c))
	}, norm.NFKC.String(text))
}

// spokenAddress is spoken, and one form for the many ways to say the number of a house:
// 一丁目2番3号, 1丁目2番地3, 1-2-3.
func spokenAddress(text string) string {
	var b strings.Builder
	for _, c := range spoken(text) {
		switch c {
		case '−', '‐', '‑', '–', '—', '―', 'ー', 'ｰ':
			c = '-'
		}
		b.WriteRune(c)
	}
	s := chome(b.String())
	for _, unit := range []string{"丁目", "番地の", "番地", "番", "号室", "号"} {
		s = afterDigits(s, unit)
	}
	return strings.TrimRight(s, "-")
}

// chome turns the numeral before 丁目 into digits: 一丁目 to 1丁目, 十二丁目 to 12丁目.
func chome(s string) string {
	const numerals = "一二三四五六七八九"
	var out strings.Builder
	for {
		i := strings.Index(s, "丁目")
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		before := []rune(s[:i])
		k := len(before)
		for k > 0 && strings.ContainsRune(numerals+"十", before[k-1]) {
			k--
		}
		out.WriteString(string(before[:k]))
		out.WriteString(digitsOf(before[k:], []rune(numerals)))
		out.WriteString("丁目")
		s = s[i+len("丁目"):]
	}
}

// digitsOf is a numeral below one hundred in digits; what is none stays.
func digitsOf(numeral, numerals []rune) string {
	if len(numeral) == 0 {
		return ""
	}
	value, digit := 0, 0
	for _, c := range numeral {
		if c == '十' {
			value += max(digit, 1) * 10
			digit = 0
			continue
		}
		for i, n := range numerals {
			if n == c {
				digit = i + 1
			}
		}
	}
	value += digit
	if value >= 100 {
		return string(numeral)
	}
	if value >= 10 {
		return string(rune('0'+value/10)) + string(rune('0'+value%10))
	}
	return string(rune('0' + value))
}

// afterDigits puts a hyphen in place of a unit that follows a digit: 2番 to 2-.
func afterDigits(s, unit string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, unit)
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		if i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
			if next := s[i+len(unit):]; !strings.HasPrefix(next, "-") {
				out.WriteByte('-')
			}
		} else {
			out.WriteString(unit)
		}
		s = s[i+len(unit):]
	}
}

// agentName refuses what is no pseudonym of an agent's.
func agentName(name string) error {
	ok := len(name) > 0 && len(name) <= 32
	for _, c := range name {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return ErrBadRequest.With("field", "agent").Because(errors.New("ra: an agent's name is 1 to 32 letters, digits and hyphens"))
	}
	return nil
}
