package municipality

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tegata/internal/pki"
)

// Municipality is one whose register this is.
type Municipality struct {
	Code       string `json:"code"` // 5 or 6 digits
	Prefecture string `json:"prefecture"`
	City       string `json:"city"`

	// Latin letters, as a certificate's subject has them.
	PrefectureLatin string `json:"prefecture_latin"`
	CityLatin       string `json:"city_latin"`
}

// Resident is what the register says of a person. It is the body of
// POST /v1/residents.
type Resident struct {
	ID           string `json:"id"`           // client-chosen, random in life: 1–64 characters [A-Za-z0-9_-]
	Municipality string `json:"municipality"` // code
	Household    string `json:"household,omitempty"`

	Name             string `json:"name"`                        // as ordinary devices show it
	NameOriginal     string `json:"name_original,omitempty"`     // as written, when that differs
	NameSubstitution string `json:"name_substitution,omitempty"` // a digit a character of Name, 1 = substituted; may be absent without NameOriginal
	Alias            string `json:"alias,omitempty"`             // 通称
	Kana             string `json:"kana"`
	Birth            string `json:"birth"` // YYYY-MM-DD
	Sex              string `json:"sex"`   // ISO/IEC 5218: 1, 2, 9

	Address             string `json:"address"`
	AddressOriginal     string `json:"address_original,omitempty"`
	AddressSubstitution string `json:"address_substitution,omitempty"`

	Protected bool    `json:"protected,omitempty"` // under protective measures: the address is shown to nobody who need not know it
	Contact   Contact `json:"contact,omitzero"`    // absent: the sandbox's mailbox of that id

	Died      bool `json:"died,omitempty"`
	Emigrated bool `json:"emigrated,omitempty"`
}

// Contact is the second channel, by which notices reach a person without the phone.
type Contact struct {
	Channel string `json:"channel"` // "mailbox" in the sandbox
	Address string `json:"address"`
}

const maxText = 200 // characters of a name or an address

var (
	identifier = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	code       = regexp.MustCompile(`^[0-9]{5,6}$`)
)

// fieldError says which field is wrong; it never repeats the value.
type fieldError struct{ field, reason string }

func (e *fieldError) Error() string { return "municipality: " + e.field + ": " + e.reason }

// complete fills in what may be left out and says what is wrong as of at, as a
// *fieldError.
func (r Resident) complete(at time.Time) (Resident, error) {
	wrong := func(field, reason string) (Resident, error) { return Resident{}, &fieldError{field, reason} }
	if !identifier.MatchString(r.ID) {
		return wrong("id", "is 1 to 64 of A-Z a-z 0-9 _ -")
	}
	if !code.MatchString(r.Municipality) {
		return wrong("municipality", "is a code of 5 or 6 digits")
	}
	if r.Household != "" && !identifier.MatchString(r.Household) {
		return wrong("household", "is 1 to 64 of A-Z a-z 0-9 _ -")
	}
	for _, text := range []struct{ field, value string }{
		{"name", r.Name}, {"name_original", r.NameOriginal}, {"alias", r.Alias}, {"kana", r.Kana}, {"address", r.Address},
		{"address_original", r.AddressOriginal}, {"contact.channel", r.Contact.Channel}, {"contact.address", r.Contact.Address},
	} {
		if !printable(text.value) {
			return wrong(text.field, fmt.Sprintf("is at most %d printable characters", maxText))
		}
	}
	if !isKana(r.Kana) {
		return wrong("kana", "is katakana")
	}
	birth, err := time.Parse(time.DateOnly, r.Birth)
	if err != nil || birth.Year() < 1868 || pki.Age(birth, at) < 0 {
		return wrong("birth", "is a date YYYY-MM-DD, not to come")
	}
	if r.NameSubstitution, err = substitution(r.Name, r.NameOriginal, r.NameSubstitution); err != nil {
		return wrong("name_substitution", err.Error())
	}
	if r.AddressSubstitution, err = substitution(r.Address, r.AddressOriginal, r.AddressSubstitution); err != nil {
		return wrong("address_substitution", err.Error())
	}
	if r.Contact == (Contact{}) {
		r.Contact = Contact{Channel: "mailbox", Address: r.ID}
	}
	if r.Contact.Channel == "" || r.Contact.Address == "" {
		return wrong("contact", "has a channel and an address")
	}
	if err := r.attributes().Check(); err != nil {
		return wrong("attributes", strings.TrimPrefix(err.Error(), "pki: "))
	}
	return r, nil
}

// attributes is what a signature certificate says of r.
func (r Resident) attributes() pki.Attributes {
	return pki.Attributes{
		Name: r.Name, NameSubstitution: r.NameSubstitution, Sex: r.Sex, BirthDate: pki.EraBirthDate(r.birth()),
		Address: r.Address, AddressSubstitution: r.AddressSubstitution,
	}
}

// gone tells whether nobody of that id lives here any more.
func (r Resident) gone() bool { return r.Died || r.Emigrated }

// birth is Birth as a date; the zero time when it is none, which complete refuses.
func (r Resident) birth() time.Time {
	t, err := time.Parse(time.DateOnly, r.Birth)
	if err != nil {
		return time.Time{}
	}
	return t
}

// substitution returns digits, or the map without substitutions when nothing is
// written differently. Where the map says 0, the original has the same character;
// where it says 1, another one or a variant of it (Unicode Standard, 23.4).
func substitution(shown, original, digits string) (string, error) {
	if original == "" {
		none := pki.NoSubstitution(shown)
		if digits != "" && digits != none {
			return "", fmt.Errorf("names substituted characters, and the original is missing")
		}
		return none, nil
	}
	if len(digits) != utf8.RuneCountInString(shown) {
		return "", fmt.Errorf("has one digit for each character")
	}
	rest := []rune(original)
	i := 0
	for _, c := range shown {
		if len(rest) == 0 {
			return "", fmt.Errorf("does not fit the original")
		}
		differs := rest[0] != c
		rest = rest[1:]
		for len(rest) > 0 && unicode.Is(unicode.Variation_Selector, rest[0]) {
			rest, differs = rest[1:], true
		}
		if differs != (digits[i] == '1') || digits[i] != '0' && digits[i] != '1' {
			return "", fmt.Errorf("does not fit the original")
		}
		i++
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("does not fit the original")
	}
	return digits, nil
}

func printable(s string) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText || s != strings.TrimSpace(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) && c != '　' && !unicode.Is(unicode.Variation_Selector, c) {
			return false
		}
	}
	return true
}

func isKana(s string) bool {
	for _, c := range s {
		if !unicode.Is(unicode.Katakana, c) && !strings.ContainsRune("ー・　 ", c) {
			return false
		}
	}
	return s != ""
}
