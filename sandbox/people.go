// Package sandbox is the country on a laptop: its invented people, and the real
// calls that make them.
//
// It owns the data (people.json) and the order in which they come to be: first
// the one who needs years behind her, then the one whom a newcomer meets first,
// then all others. How a resident is registered, a card made, a phone enrolled, is
// left to the parties: this package calls their HTTP doors as anybody would.
//
// # Trust
//
// It holds the operator's token of one sandbox. Nothing of it runs in production:
// `tegata serve` links none of it.
package sandbox

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed people.json
var peopleJSON []byte

// Municipality is one of the two that the sandbox has.
type Municipality struct {
	Code       string `json:"code"` // 5 digits; 99 is no prefecture of Japan
	Prefecture string `json:"prefecture"`
	City       string `json:"city"`
	NameEN     string `json:"name_en"`

	// What a certificate's subject says: Latin letters, as on the real ones.
	PrefectureLatin string `json:"prefecture_latin"`
	CityLatin       string `json:"city_latin"`
}

// Person is one invented resident, and what happened to them.
type Person struct {
	ID           string `json:"id"` // also the id of the card
	Municipality string `json:"municipality"`
	Household    string `json:"household"`

	Name             string `json:"name"`                        // as ordinary devices show it
	NameOriginal     string `json:"name_original,omitempty"`     // as the register has it, when that differs
	NameSubstitution string `json:"name_substitution,omitempty"` // a digit a character of Name: 1 = substituted
	Alias            string `json:"alias,omitempty"`
	Kana             string `json:"kana"`
	Birth            string `json:"birth"` // YYYY-MM-DD
	Sex              string `json:"sex"`   // ISO/IEC 5218
	Address          string `json:"address"`
	Protected        bool   `json:"protected,omitempty"`

	Contact *Contact `json:"contact,omitempty"` // nil: the sandbox's mailbox

	Card             string `json:"card,omitempty"`
	CardMadeYearsAgo int    `json:"card_made_years_ago,omitempty"`
	Event            string `json:"event,omitempty"` // a register event after the card was made
	NewAddress       string `json:"new_address,omitempty"`
	First            bool   `json:"first,omitempty"`            // made first, with a new phone
	RegisteredPhone  bool   `json:"registered_phone,omitempty"` // the phone is enrolled when the sandbox opens

	AboutJA string `json:"about_ja"`
	AboutEN string `json:"about_en"`
}

// BirthDate is Birth as a date.
func (p Person) BirthDate() (time.Time, error) { return time.Parse("2006-01-02", p.Birth) }

// People returns the municipalities and the residents, in the order of the file.
func People() ([]Municipality, []Person, error) {
	var file struct {
		Municipalities []Municipality `json:"municipalities"`
		People         []Person       `json:"people"`
	}
	if err := json.Unmarshal(peopleJSON, &file); err != nil {
		return nil, nil, fmt.Errorf("sandbox: people.json: %w", err)
	}
	return file.Municipalities, file.People, nil
}

// YearsAgo is how long before its first day the sandbox begins: long enough for
// the oldest card of its people.
func YearsAgo() int {
	_, people, err := People()
	years := 1
	if err != nil {
		return years
	}
	for _, p := range people {
		years = max(years, p.CardMadeYearsAgo)
	}
	return years
}

// Phone is the id of the phone that this person holds in the sandbox, "" for none.
func (p Person) Phone() string {
	if p.First || p.RegisteredPhone {
		return p.ID + "-phone"
	}
	return ""
}

// Contact is the second channel of a person.
type Contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
}
