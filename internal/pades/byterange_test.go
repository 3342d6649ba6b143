package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tegata/internal/pades"
)

// forge writes another byte range in the place of the signature's.
func forge(t *testing.T, pdf []byte, numbers string) []byte {
	t.Helper()
	old := regexp.MustCompile(`/ByteRange (\[0 \d+ \d+ \d+ *\])`).FindSubmatch(pdf)[1]
	if len(numbers) > len(old) {
		t.Fatalf("%q does not fit into %q", numbers, old)
	}
	return bytes.Replace(pdf, old, []byte(numbers+strings.Repeat(" ", len(old)-len(numbers))), 1)
}

// A file in which a signature does not cover everything but itself is refused.
func TestByteRangeTricks(t *testing.T) {
	signed := sign(t, classic(contract()), pades.Options{})
	b := signatures(t, signed)[0].ByteRange
	numbers := func(a, b, c, d int) []byte { return forge(t, signed, fmt.Sprintf("[%d %d %d %d]", a, b, c, d)) }
	contents := string(signed[b[1]:b[2]])
	other := func(s string) []byte { // another Contents of the same length
		return bytes.Replace(signed, []byte(contents), []byte(s+strings.Repeat(" ", len(contents)-len(s))), 1)
	}
	cases := []struct {
		name string
		pdf  []byte
		want error
	}{
		{"it does not begin at the first byte", numbers(1, b[1]-1, b[2], b[3]), pades.ErrByteRange},
		{"it ends before the end", numbers(0, b[1], b[2], b[3]-10), pades.ErrByteRange},
		{"it ends after the end", numbers(0, b[1], b[2], b[3]+1), pades.ErrByteRange},
		{"the parts overlap", numbers(0, b[2]+5, b[1], b[3]), pades.ErrByteRange},
		{"it is negative", numbers(0, b[1], -1, b[3]), pades.ErrByteRange},
		{"its length is negative", numbers(0, b[1], b[2], -5), pades.ErrByteRange},
		{"the gap begins before the string", numbers(0, b[1]-1, b[2], b[3]), pades.ErrByteRange},
		{"the gap ends after the string", numbers(0, b[1], b[2]+1, b[3]-1), pades.ErrByteRange},
		{"the gap is inside the string", numbers(0, b[1]+1, b[2]-1, b[3]+1), pades.ErrByteRange},
		{"no gap", numbers(0, b[1], b[1], len(signed)-b[1]), pades.ErrByteRange},
		{"the signature is counted twice", numbers(0, b[2], b[2], b[3]), pades.ErrByteRange},
		{"nothing before the signature", numbers(0, 0, b[2], b[3]), pades.ErrByteRange},
		{"only the end of the file", numbers(b[2], b[3], b[2], b[3]), pades.ErrByteRange},
		{"huge numbers", forge(t, signed, "[0 9999999999 9999999999 1]"), pades.ErrByteRange},
		{"numbers beyond all integers", forge(t, signed, "[0 1 2 99999999999999999999]"), pades.ErrMalformed},
		{"reals", forge(t, signed, fmt.Sprintf("[0 %d.0 %d %d]", b[1], b[2], b[3])), pades.ErrByteRange},
		{"two numbers", forge(t, signed, "[0 100]"), pades.ErrByteRange},
		{"six numbers", forge(t, signed, "[0 1 2 3 4 5]"), pades.ErrByteRange},
		{"null", forge(t, signed, "null"), pades.ErrByteRange},
		{"an empty array", forge(t, signed, "[]"), pades.ErrByteRange},
		{"a reference", forge(t, signed, "2 0 R"), pades.ErrByteRange},
		{"no ByteRange", bytes.Replace(signed, []byte("/ByteRange"), []byte("/Byterange"), 1), pades.ErrByteRange},
		{"two ByteRanges", bytes.Replace(signed, []byte("/M <"), []byte("/ByteRange [0 1 2 3] /M <"), 1), pades.ErrMalformed},
		{"no Contents", bytes.Replace(signed, []byte("/Contents <"), []byte("/contents <"), 1), pades.ErrContents},
		{"Contents null", other("null"), pades.ErrContents},
		{"Contents empty", other("<>"), pades.ErrContents},
		{"Contents in parentheses", other("(0\x03\x02\x01\x07)"), pades.ErrContents},
		{"Contents elsewhere", other("8 0 R"), pades.ErrContents},
		{"zeros", bytes.Replace(signed, []byte("<3003020107"), []byte("<0000000000"), 1), pades.ErrContents},
		{"bytes after the signature", bytes.Replace(signed, []byte("3003020107"+"00"), []byte("3003020107"+"01"), 1), pades.ErrContents},
		{"a byte at the end of the room", bytes.Replace(signed, []byte("00>"), []byte("01>"), 1), pades.ErrContents},
		{"indefinite length", bytes.Replace(signed, []byte("<30030201070000"), []byte("<30800201070000"), 1), pades.ErrContents},
		{"white space in the string", bytes.Replace(signed, []byte("0000>"), []byte("00  >"), 1), pades.ErrContents},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if bytes.Equal(c.pdf, signed) {
				t.Fatal("nothing was changed")
			}
			if _, err := pades.Signatures(c.pdf); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Signature wrapping: the second part of the signed bytes is moved to the end, the
// range follows it, and what stands in the gap beside Contents is the attacker's.
func TestSignatureWrapping(t *testing.T) {
	signed := sign(t, classic(contract()), pades.Options{})
	s := signatures(t, signed)[0]
	b := s.ByteRange
	evil := fmt.Appendf(nil, "%s\n4 0 obj\n%s\nendobj\n", signed[b[1]:b[2]], streamOf(more))
	wrapped := append(append(bytes.Clone(signed[:b[1]]), evil...), signed[b[2]:]...)
	wrapped = forge(t, wrapped, fmt.Sprintf("[0 %d %d %d]", b[1], b[1]+len(evil), b[3]))
	if _, err := pades.Signatures(wrapped); err == nil {
		t.Error("it is taken for a signature")
	}
	// The same with a file that is whole for a reader: the signed bytes at the front,
	// an update that points the field to a dictionary with a wider gap.
	gap := fmt.Sprintf("<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 %d %d %d] /Contents %s >>", b[1], b[2], b[3], signed[b[1]:b[2]])
	moved := edit{objects: map[int]string{8: gap}}.on(signed)
	if _, err := pades.Signatures(moved); !errors.Is(err, pades.ErrByteRange) {
		t.Errorf("a signature dictionary outside what it covers: %v", err)
	}
}

func TestFieldTricks(t *testing.T) {
	signed := sign(t, classic(contract()), pades.Options{}) // signature 8, field 9
	catalog := func(fields string) string {
		return `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [` + fields + `] /SigFlags 3 >> >>`
	}
	cases := []struct {
		name    string
		objects map[int]string
		want    error
	}{
		{"two fields of one name", map[int]string{1: catalog("6 0 R 9 0 R 20 0 R"), 20: `<< /FT /Sig /T (Signature1) >>`}, pades.ErrDuplicateField},
		{"one field twice", map[int]string{1: catalog("6 0 R 9 0 R 9 0 R")}, pades.ErrMalformed},
		{"two fields with one signature", map[int]string{1: catalog("6 0 R 9 0 R 20 0 R"), 20: `<< /FT /Sig /T (two) /V 8 0 R >>`}, pades.ErrByteRange},
		{"fields in a circle", map[int]string{1: catalog("6 0 R 9 0 R 20 0 R"), 20: `<< /T (a) /Kids [20 0 R] >>`}, pades.ErrMalformed},
		{"a signature inside its field", map[int]string{1: catalog("6 0 R 20 0 R"), 20: `<< /FT /Sig /T (two) /V << /ByteRange [0 1 2 3] /Contents <30> >> >>`}, pades.ErrContents},
		{"a signature without a signature", map[int]string{1: catalog("6 0 R 20 0 R"), 20: `<< /FT /Sig /T (two) /V 21 0 R >>`, 21: `<< /Type /Sig >>`}, pades.ErrByteRange},
		{"a field that is gone", map[int]string{1: catalog("6 0 R")}, pades.ErrNoSignature},
		{"an empty field", map[int]string{1: catalog("20 0 R"), 20: `<< /FT /Sig /T (two) >>`}, pades.ErrNoSignature},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := pades.Signatures(edit{objects: c.objects}.on(signed)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := pades.Signatures(classic(contract())); !errors.Is(err, pades.ErrNoSignature) {
		t.Errorf("a file without a signature: %v", err)
	}
}
