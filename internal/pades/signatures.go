package pades

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What a signature field can be refused for. A file with one such signature is
// refused as a whole: who wrote it wanted it to be read in two ways.
var (
	ErrNoSignature    = errors.New("pades: no signature")
	ErrByteRange      = errors.New("pades: the byte range does not cover the file but for the signature itself")
	ErrContents       = errors.New("pades: the signature's contents are missing or have something beside the signature")
	ErrDuplicateField = errors.New("pades: two fields have one name")
)

// A Signature is what one signature field holds. Nothing in it was checked
// cryptographically: CMS over Content is for cms.Verify.
type Signature struct {
	Field     string // fully qualified name
	SubFilter string // SubFilterCAdES, SubFilterRFC3161, or another's: the caller decides which it takes
	Name      string // claimed name of the signer; may be empty
	Reason    string
	Moment    time.Time // claimed: M; zero when absent or unreadable
	CMS       []byte    // the CMS message, or the time-stamp token: exactly its DER
	Content   []byte    // the bytes that are covered
	ByteRange [4]int

	// Revision counts the revisions of the file up to the signature's own, from 1.
	Revision int
	// WholeFile says that nothing follows the signature's revision.
	WholeFile bool
	// Later is what was changed after the signature, in order. An element whose
	// Err is not nil is not allowed: the document shown is not the one signed.
	Later []Change

	contents []byte // padding included
	end      int    // of the covered revision
	from     int    // index of its newest section
}

// DocTimeStamp says whether this is a document time-stamp, not a signature.
func (s *Signature) DocTimeStamp() bool { return s.SubFilter == SubFilterRFC3161 }

// Intact returns nil when nothing was changed after the signature but what may
// be; otherwise the error of the first change that may not. See Change.
func (s *Signature) Intact() error {
	for _, c := range s.Later {
		if c.Err != nil {
			return c.Err
		}
	}
	return nil
}

// Signatures reads the signatures of a file in the order in which they were made,
// time-stamps included. Each one covers its whole revision from the first byte to
// the end-of-file marker, and leaves out exactly its own Contents; a file in which
// one does not is refused. Fields without a signature are passed over.
//
// Errors: ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported,
// ErrNoSignature, ErrByteRange, ErrContents, ErrDuplicateField. What was changed
// later is no error here: ask Intact.
func Signatures(pdf []byte) ([]*Signature, error) {
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	v := f.view(0, len(pdf))
	root, _, err := v.root()
	if err != nil {
		return nil, err
	}
	fields, err := v.fields(root)
	if err != nil {
		return nil, err
	}
	var list []*Signature
	for _, field := range fields {
		if field.kind != name("Sig") {
			continue
		}
		if value, err := v.resolve(field.v); err != nil {
			return nil, err
		} else if value == nil {
			continue // an empty signature field
		}
		s, err := v.signature(field)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, ErrNoSignature
	}
	slices.SortFunc(list, func(a, b *Signature) int { return a.end - b.end })
	for i, s := range list {
		if i > 0 && list[i-1].end == s.end {
			return nil, fmt.Errorf("%w: two signatures of one revision", ErrByteRange)
		}
	}
	if err := f.judge(list); err != nil {
		return nil, err
	}
	return list, nil
}

// signature reads the signature of one field.
func (v *view) signature(f field) (*Signature, error) {
	r, ok := f.v.(ref)
	if !ok {
		// ISO 32000-1 has it either way; an object of its own is what all write, and
		// only such a one can be looked at in the bytes.
		return nil, fmt.Errorf("%w: field %q has no signature dictionary of its own", ErrContents, f.name)
	}
	o, err := v.load(r.num)
	if err != nil {
		return nil, err
	}
	d, ok := o.value.(dict)
	if !ok || o.end == 0 {
		return nil, fmt.Errorf("%w: field %q has no signature dictionary in the open", ErrContents, f.name)
	}
	s := &Signature{Field: f.name}
	if sub, ok := d["SubFilter"].(name); ok {
		s.SubFilter = string(sub)
	}
	// 12.8.1, table 252. A signature without them is what "universal forgery" is.
	given, ok := d["ByteRange"].(array)
	if !ok || len(given) != 4 {
		return nil, fmt.Errorf("%w: field %q has no ByteRange of four numbers", ErrByteRange, f.name)
	}
	for i := range given {
		if s.ByteRange[i], ok = given[i].(int); !ok {
			return nil, fmt.Errorf("%w: field %q: not a number", ErrByteRange, f.name)
		}
	}
	contents, ok := d["Contents"].(text)
	if !ok || !contents.hex || len(contents.value) == 0 {
		return nil, fmt.Errorf("%w: field %q", ErrContents, f.name)
	}
	if err := s.cover(v.file, contents); err != nil {
		return nil, fmt.Errorf("field %q: %w", f.name, err)
	}
	if o.end > s.end {
		return nil, fmt.Errorf("%w: field %q: the signature dictionary is not inside", ErrByteRange, f.name)
	}
	if s.CMS, err = derValue(contents.value); err != nil {
		return nil, fmt.Errorf("field %q: %w", f.name, err)
	}
	s.contents = contents.value
	for key, to := range map[name]*string{"Name": &s.Name, "Reason": &s.Reason} {
		if t, ok := d[key].(text); ok {
			*to = plainText(t)
		}
	}
	if t, ok := d["M"].(text); ok {
		s.Moment = pdfDate(string(t.value))
	}
	return s, nil
}

// cover checks the byte range against the file: from the first byte, without
// exactly the Contents string, to the end of a revision.
func (s *Signature) cover(f *file, contents text) error {
	b := s.ByteRange
	if b[0] != 0 || b[1] <= 0 || b[2] <= b[1] || b[3] <= 0 || b[2] > len(f.data) || b[3] > len(f.data)-b[2] {
		return fmt.Errorf("%w: %v", ErrByteRange, b)
	}
	// 12.8.1: the gap is the Contents string with its delimiters. One byte more would
	// be a place for anything.
	if b[1] != contents.start || b[2] != contents.end {
		return fmt.Errorf("%w: the gap is not the Contents string", ErrByteRange)
	}
	for _, space := range []byte(whiteSpace) {
		if bytes.IndexByte(f.data[b[1]:b[2]], space) >= 0 {
			return fmt.Errorf("%w: white space", ErrContents)
		}
	}
	s.end = b[2] + b[3]
	covered := f.data[:s.end]
	start, _, err := lastStart(covered)
	if err != nil {
		return fmt.Errorf("%w: it does not end where a revision ends", ErrByteRange)
	}
	s.from = slices.IndexFunc(f.sections, func(x *section) bool { return x.start == start })
	if s.from < 0 {
		return fmt.Errorf("%w: its revision is not one of the file's", ErrByteRange)
	}
	for _, x := range f.sections[s.from:] {
		if x.after > s.end {
			return fmt.Errorf("%w: its revision has parts outside", ErrByteRange)
		}
	}
	s.Revision = f.revision(s.from)
	s.WholeFile = onlySpace(f.data[s.end:])
	if err := take(&f.budget.covered, len(covered)); err != nil {
		return err
	}
	s.Content = slices.Concat(covered[:b[1]], covered[b[2]:])
	return nil
}

// derValue returns the one DER value that contents begin with. What follows may
// be zeros: the rest of the room that was left.
func derValue(contents []byte) ([]byte, error) {
	in := cryptobyte.String(contents)
	var value cryptobyte.String
	if !in.ReadASN1Element(&value, cbasn1.SEQUENCE) {
		return nil, fmt.Errorf("%w: no DER", ErrContents)
	}
	for _, c := range in {
		if c != 0 {
			return nil, fmt.Errorf("%w: bytes after the signature", ErrContents)
		}
	}
	return value, nil
}

// pdfDate reads a date (ISO 32000-1, 7.9.4); zero when it is none.
func pdfDate(s string) time.Time {
	if len(s) < 16 || s[:2] != "D:" {
		return time.Time{}
	}
	at, err := time.Parse("20060102150405", s[2:16])
	if err != nil {
		return time.Time{}
	}
	zone := s[16:]
	if zone == "" || zone[0] == 'Z' {
		return at
	}
	if len(zone) < 6 || zone[3] != '\'' || zone[0] != '+' && zone[0] != '-' {
		return time.Time{}
	}
	hours, err1 := strconv.Atoi(zone[1:3])
	minutes, err2 := strconv.Atoi(zone[4:6])
	if err1 != nil || err2 != nil {
		return time.Time{}
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if zone[0] == '-' {
		offset = -offset
	}
	return at.Add(-offset)
}
