package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Attributes are the four facts about a person in a signature certificate, and
// which characters of two of them were substituted because ordinary devices do
// not show them.
type Attributes struct {
	Name                string `json:"name"`
	NameSubstitution    string `json:"name_substitution"` // a digit a character of Name: 0 original, 1 substituted
	Sex                 string `json:"sex"`               // "1" male, "2" female, "9" not applicable (ISO/IEC 5218)
	BirthDate           string `json:"birth_date"`        // era digit + YYYYMMDD, for example 319800217
	Address             string `json:"address"`
	AddressSubstitution string `json:"address_substitution"`
}

const maxAttribute = 1024 // bytes; the register allows fewer

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

type otherName struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue `asn1:"tag:0,explicit"`
}

// numbered returns the attributes in the order that the published certificates
// have: 1 name, 4 birth date, 3 sex, 5 address, 2 and 6 substitutions.
func (a *Attributes) numbered() []struct {
	n     int
	value *string
} {
	return []struct {
		n     int
		value *string
	}{{1, &a.Name}, {4, &a.BirthDate}, {3, &a.Sex}, {5, &a.Address}, {2, &a.NameSubstitution}, {6, &a.AddressSubstitution}}
}

// MarshalAttributes encodes a as six otherNames of a subjectAltName's content
// (RFC 5280, section 4.2.1.6), each a UTF8String under arc.5.
func MarshalAttributes(arc Arc, a Attributes) ([]byte, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	var names []asn1.RawValue
	for _, entry := range a.numbered() {
		der, err := asn1.MarshalWithParams(otherName{
			Type:  arc.Attribute(entry.n),
			Value: explicitUTF8(*entry.value),
		}, "tag:0")
		if err != nil {
			return nil, fmt.Errorf("pki: attributes: %w", err)
		}
		names = append(names, asn1.RawValue{FullBytes: der})
	}
	return asn1.Marshal(names)
}

// explicitUTF8 is [0] EXPLICIT UTF8String. encoding/asn1 does not apply explicit
// tags to a RawValue, so the outer tag is spelled out.
func explicitUTF8(s string) asn1.RawValue {
	inner, err := asn1.MarshalWithParams(s, "utf8")
	if err != nil { // s was checked to be UTF-8 by Check
		inner = nil
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}
}

// ErrNoAttributes is returned for a certificate without personal attributes.
var ErrNoAttributes = errors.New("pki: the certificate has no personal attributes")

// ParseAttributes reads the attributes of a signature certificate. ErrNoAttributes
// when there are none under this arc; another error when they are malformed.
func ParseAttributes(arc Arc, c *x509.Certificate) (Attributes, error) {
	var a Attributes
	found := map[int]bool{}
	for _, extension := range c.Extensions {
		if !extension.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return Attributes{}, errors.New("pki: attributes: the subjectAltName is malformed")
		}
		for _, name := range names {
			if name.Class != asn1.ClassContextSpecific || name.Tag != 0 {
				continue
			}
			if err := a.take(arc, name.FullBytes, found); err != nil {
				return Attributes{}, err
			}
		}
	}
	if len(found) == 0 {
		return Attributes{}, ErrNoAttributes
	}
	if len(found) != 6 {
		return Attributes{}, errors.New("pki: attributes: some of the six are missing")
	}
	return a, a.Check()
}

func (a *Attributes) take(arc Arc, der []byte, found map[int]bool) error {
	var name otherName
	if _, err := asn1.UnmarshalWithParams(der, &name, "tag:0"); err != nil {
		return errors.New("pki: attributes: an otherName is malformed")
	}
	for _, entry := range a.numbered() {
		if !name.Type.Equal(arc.Attribute(entry.n)) {
			continue
		}
		if found[entry.n] {
			return errors.New("pki: attributes: one of them stands twice")
		}
		found[entry.n] = true
		content := name.Value
		if content.Class == asn1.ClassContextSpecific { // the explicit tag, kept by RawValue
			if _, err := asn1.Unmarshal(content.Bytes, &content); err != nil {
				return errors.New("pki: attributes: a value is malformed")
			}
		}
		if content.Tag != asn1.TagUTF8String || len(content.Bytes) > maxAttribute || !utf8.Valid(content.Bytes) {
			return errors.New("pki: attributes: a value is not UTF-8 text")
		}
		*entry.value = string(content.Bytes)
	}
	return nil
}

// Check says what is wrong with a, if anything.
func (a Attributes) Check() error {
	for _, entry := range a.numbered() {
		if len(*entry.value) > maxAttribute || !utf8.ValidString(*entry.value) {
			return fmt.Errorf("pki: attribute %d is not UTF-8 text of at most %d bytes", entry.n, maxAttribute)
		}
	}
	if a.Name == "" || a.Address == "" {
		return errors.New("pki: a person has a name and an address")
	}
	if a.Sex != "1" && a.Sex != "2" && a.Sex != "9" {
		return errors.New("pki: sex is 1, 2 or 9")
	}
	if !substitutionFits(a.Name, a.NameSubstitution) || !substitutionFits(a.Address, a.AddressSubstitution) {
		return errors.New("pki: a substitution map has one digit, 0 or 1, for each character")
	}
	_, err := a.Birth()
	return err
}

func substitutionFits(text, digits string) bool {
	if len(digits) != utf8.RuneCountInString(text) {
		return false
	}
	for _, d := range digits {
		if d != '0' && d != '1' {
			return false
		}
	}
	return true
}

// NoSubstitution is the map for a text in which nothing was substituted.
func NoSubstitution(text string) string {
	digits := make([]byte, utf8.RuneCountInString(text))
	for i := range digits {
		digits[i] = '0'
	}
	return string(digits)
}

// eras are the first days of the Japanese eras that a living person can be born in.
var eras = []struct {
	digit byte
	name  string
	first time.Time
}{
	{'5', "令和", time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)},
	{'4', "平成", time.Date(1989, 1, 8, 0, 0, 0, 0, time.UTC)},
	{'3', "昭和", time.Date(1926, 12, 25, 0, 0, 0, 0, time.UTC)},
	{'2', "大正", time.Date(1912, 7, 30, 0, 0, 0, 0, time.UTC)},
	{'1', "明治", time.Date(1868, 1, 25, 0, 0, 0, 0, time.UTC)},
}

// EraBirthDate is the form that certificates carry: the digit of the era and the
// Gregorian date.
func EraBirthDate(birth time.Time) string {
	for _, era := range eras {
		if !birth.Before(era.first) {
			return string(era.digit) + birth.Format("20060102")
		}
	}
	return "1" + birth.Format("20060102")
}

// Birth is the date in BirthDate. The era digit must be that of the date.
func (a Attributes) Birth() (time.Time, error) {
	if len(a.BirthDate) != 9 {
		return time.Time{}, errors.New("pki: a birth date is an era digit and YYYYMMDD")
	}
	birth, err := time.Parse("20060102", a.BirthDate[1:])
	if err != nil || EraBirthDate(birth) != a.BirthDate {
		return time.Time{}, errors.New("pki: a birth date is an era digit and YYYYMMDD")
	}
	return birth, nil
}

// Age is the number of whole years at a moment, by the day in Japan. By the Act
// on Calculation of Ages a person turns a year older at the end of the day before
// the birthday; certificates and services count the birthday itself, and so do we.
func Age(birth, at time.Time) int {
	today := at.In(JST)
	years := today.Year() - birth.Year()
	if today.Month() < birth.Month() || today.Month() == birth.Month() && today.Day() < birth.Day() {
		years--
	}
	return years
}

// JST is Japan Standard Time: nine hours ahead, no daylight saving time.
var JST = time.FixedZone("JST", 9*60*60)

// EraDate is a date as people read it: 令和8年11月22日（2026-11-22）.
func EraDate(at time.Time) string {
	day := at.In(JST)
	date := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	for _, era := range eras {
		if !date.Before(era.first) {
			year := fmt.Sprint(date.Year() - era.first.Year() + 1)
			if year == "1" {
				year = "元"
			}
			return fmt.Sprintf("%s%s年%d月%d日（%s）", era.name, year, date.Month(), date.Day(), date.Format("2006-01-02"))
		}
	}
	return date.Format("2006-01-02")
}
