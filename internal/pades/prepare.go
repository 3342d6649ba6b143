package pades

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// What Prepare and Embed can refuse besides what every reading refuses.
var (
	ErrFieldName = errors.New("pades: a field of that name exists, or the name cannot be one")
	ErrRoom      = errors.New("pades: the signature is longer than the room that was left for it")
	ErrNotDER    = errors.New("pades: not one DER value")
	ErrCovered   = errors.New("pades: a later revision covers the signature, or it is another file's")
	ErrClosed    = errors.New("pades: an earlier signature allows no further signature")
)

// The two kinds of signatures that are made (EN 319 142-1, 6.3 and 5.4.3).
const (
	SubFilterCAdES   = "ETSI.CAdES.detached"
	SubFilterRFC3161 = "ETSI.RFC3161"
)

// Bytes that are left for what is embedded, when Options does not say: a B-T
// signature with its path and time-stamp, and a time-stamp with its authority's
// certificate. In the file they take twice as much.
const (
	RoomSignature = 9 << 10
	RoomTimeStamp = 5 << 10
	maxRoom       = 1 << 20
)

// Options of a signature.
type Options struct {
	At     time.Time // claimed moment of signing (M); required for signatures, unused for time-stamps
	Name   string    // of the signer; may be empty
	Reason string    // may be empty
	Field  string    // name of the signature field; empty: the first free one of Signature1, Signature2 …
	Room   int       // bytes for the CMS; 0: RoomSignature or RoomTimeStamp
}

// A Draft is a file with a signature field whose signature is not there yet. Only
// Prepare and PrepareDocTimeStamp make one.
type Draft struct {
	file       []byte
	start, end int // of the Contents string, delimiters included
}

// Prepare adds a signature field and its dictionary to pdf in an incremental
// update: SubFilter ETSI.CAdES.detached, no visible mark. Earlier signatures stay
// as they are. A file without anything to see can be prepared; whoever signs asks
// CheckMeaning first.
//
// Errors: ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported, ErrFieldName,
// ErrClosed (an earlier signature certifies the file against changes).
func Prepare(pdf []byte, o Options) (*Draft, error) {
	if o.At.IsZero() {
		return nil, errors.New("pades: a signature needs its moment")
	}
	// EN 319 142-1, 6.3: M is required, in UTC here; signing-time in the CMS is not
	// allowed beside it.
	sig := dict{"Type": name("Sig"), "M": text{value: []byte(o.At.UTC().Format("D:20060102150405Z"))}}
	if o.Name != "" {
		sig["Name"] = textString(o.Name)
	}
	if o.Reason != "" {
		sig["Reason"] = textString(o.Reason)
	}
	if o.Room == 0 {
		o.Room = RoomSignature
	}
	return prepare(pdf, sig, SubFilterCAdES, o)
}

// PrepareDocTimeStamp adds a document time-stamp (EN 319 142-1, 5.4.3): the file
// reaches B-LTA when its DSS was added before. Embed takes an RFC 3161 token over
// Content.
//
// Errors: those of Prepare, but ErrClosed: a certified file may be time-stamped.
func PrepareDocTimeStamp(pdf []byte, o Options) (*Draft, error) {
	if o.Room == 0 {
		o.Room = RoomTimeStamp
	}
	return prepare(pdf, dict{"Type": name("DocTimeStamp")}, SubFilterRFC3161, o)
}

func prepare(pdf []byte, sig dict, subFilter name, o Options) (*Draft, error) {
	if o.Room < 0 || o.Room > maxRoom {
		return nil, fmt.Errorf("pades: no room of %d bytes can be left", o.Room)
	}
	u, err := newUpdate(pdf)
	if err != nil {
		return nil, err
	}
	root, rootRef, err := u.view.root()
	if err != nil {
		return nil, err
	}
	if subFilter == SubFilterCAdES {
		if p, err := u.view.certified(root); err != nil {
			return nil, err
		} else if p == 1 {
			return nil, ErrClosed
		}
	}
	page, pageRef, err := u.view.firstPage(root)
	if err != nil {
		return nil, err
	}
	fields, err := u.view.fields(root)
	if err != nil {
		return nil, err
	}
	title, err := fieldName(fields, o.Field, subFilter)
	if err != nil {
		return nil, err
	}
	// ISO 32000-1, table 252. ByteRange is filled in below, in the same length.
	sig["Filter"], sig["SubFilter"] = name("Adobe.PPKLite"), subFilter
	placeholder := "[0 " + strings.Repeat(" 9999999999", 3)[1:] + "]"
	sig["ByteRange"] = verbatim(placeholder)
	sig["Contents"] = text{value: make([]byte, o.Room)}
	sigRef := u.add(sig)
	// 12.7.4.5: field and widget in one; not visible, so its rectangle is empty.
	// F: Print and Locked.
	field := u.add(dict{"Type": name("Annot"), "Subtype": name("Widget"), "FT": name("Sig"), "T": textString(title),
		"V": sigRef, "P": pageRef, "Rect": array{0, 0, 0, 0}, "F": 4 | 128})
	page, root = changed(page), changed(root)
	if err := u.extend(page, "Annots", field); err != nil {
		return nil, err
	}
	if _, apart := page["Annots"].(ref); !apart {
		u.set(pageRef, page)
	}
	if err := u.addToForm(root, rootRef, field); err != nil {
		return nil, err
	}
	out, at := u.bytes()
	if len(out) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(out))
	}
	return fillByteRange(out, at[sigRef.num], placeholder, o.Room)
}

// addToForm appends a field to the interactive form (12.7.2) and sets SigFlags:
// SignaturesExist and AppendOnly.
func (u *update) addToForm(root dict, rootRef, field ref) error {
	form, err := u.view.dictOf(root["AcroForm"])
	if err != nil {
		return err
	}
	form = changed(form)
	form["SigFlags"] = 3
	if err := u.extend(form, "Fields", field); err != nil {
		return err
	}
	if r, ok := root["AcroForm"].(ref); ok && u.view.exists(r) {
		u.set(r, form)
		return nil
	}
	root["AcroForm"] = form
	u.set(rootRef, root)
	return nil
}

// fillByteRange finds the two places in the signature dictionary that was written
// at a byte, and writes the range that leaves exactly Contents out.
func fillByteRange(out []byte, at int, placeholder string, room int) (*Draft, error) {
	contents := append(append([]byte("<"), bytes.Repeat([]byte("0"), 2*room)...), '>')
	from := bytes.Index(out[at:], contents)
	place := bytes.Index(out[at:], []byte(placeholder))
	if from < 0 || place < 0 {
		return nil, errors.New("pades: the signature dictionary was not written as expected")
	}
	d := &Draft{file: out, start: at + from, end: at + from + len(contents)}
	// Padded inside the brackets: the length of the file must not change.
	filled := fmt.Sprintf("[0 %d %d %d", d.start, d.end, len(out)-d.end)
	filled += strings.Repeat(" ", len(placeholder)-len(filled)-1) + "]"
	copy(out[at+place:], filled)
	return d, nil
}

// Content returns the bytes that the signature covers: the whole file but the
// Contents string. What is signed is the digest of exactly these.
func (d *Draft) Content() []byte {
	return slices.Concat(d.file[:d.start], d.file[d.end:])
}

// Embed returns the file with the signature in its place; the draft may be used
// again. Whether the signature is over Content is not checked here.
//
// Errors: ErrRoom, ErrNotDER.
func (d *Draft) Embed(cms []byte) ([]byte, error) {
	return embed(d.file, d.start, d.end, cms)
}

// Embed returns pdf, the file that s was read from, with another CMS in the place
// of the signature's: the same one with unsigned attributes, a signature
// time-stamp (B-T). Only the newest signature can be replaced: later ones cover it.
//
// Errors: ErrCovered, ErrRoom, ErrNotDER.
func (s *Signature) Embed(pdf, cms []byte) ([]byte, error) {
	start, end := s.ByteRange[1], s.ByteRange[2]
	if !s.WholeFile || len(pdf) < s.end || pdf[start] != '<' || pdf[end-1] != '>' {
		return nil, ErrCovered
	}
	return embed(pdf, start, end, cms)
}

// embed writes cms into the string from start to end, and zeros after it.
func embed(pdf []byte, start, end int, cms []byte) ([]byte, error) {
	if exact, err := derValue(cms); err != nil || len(exact) != len(cms) {
		return nil, ErrNotDER
	}
	room := end - start - 2
	if 2*len(cms) > room {
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrRoom, len(cms), room/2)
	}
	out := bytes.Clone(pdf)
	n := hex.Encode(out[start+1:], cms)
	copy(out[start+1+n:end-1], bytes.Repeat([]byte("0"), room-n))
	return out, nil
}

// fieldName returns the name for a new field.
func fieldName(fields []field, wanted string, subFilter name) (string, error) {
	taken := map[string]bool{}
	for _, f := range fields {
		taken[f.name] = true
	}
	if wanted != "" {
		// 12.7.3.2: a partial name has no period.
		if taken[wanted] || strings.Contains(wanted, ".") || len(wanted) > 200 {
			return "", fmt.Errorf("%w: %q", ErrFieldName, wanted)
		}
		return wanted, nil
	}
	prefix := "Signature"
	if subFilter == SubFilterRFC3161 {
		prefix = "TimeStamp"
	}
	for i := 1; ; i++ {
		if n := prefix + strconv.Itoa(i); !taken[n] {
			return n, nil
		}
	}
}

// textString writes a text string (7.9.2.2): ASCII as it is, else UTF-16BE.
func textString(s string) text {
	ascii := true
	for _, c := range []byte(s) {
		ascii = ascii && c >= ' ' && c < 0x7f
	}
	if ascii {
		return text{value: []byte(s)}
	}
	b := []byte{0xFE, 0xFF}
	for _, c := range utf16.Encode([]rune(s)) {
		b = append(b, byte(c>>8), byte(c))
	}
	return text{value: b}
}

// plainText reads a text string; bytes of other encodings are taken as Latin-1.
func plainText(t text) string {
	b := t.value
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}): // ISO 32000-2: UTF-8
		return strings.ToValidUTF8(string(b[3:]), "\uFFFD")
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		var units []uint16
		for b = b[2:]; len(b) > 1; b = b[2:] {
			units = append(units, uint16(b[0])<<8|uint16(b[1]))
		}
		return string(utf16.Decode(units))
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
