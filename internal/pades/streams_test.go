package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/pades"
)

// A streamEdit is an incremental update with an object stream (number 90) and a
// cross-reference stream (91).
type streamEdit struct {
	inside  map[int]string // objects of the object stream
	unused  []int          // of those: not in the cross-reference
	points  map[int][3]int // any entries: type and two fields
	numbers [2]int         // other numbers for the two streams
}

func (e streamEdit) on(pdf []byte) []byte {
	if e.numbers == [2]int{} {
		e.numbers = [2]int{90, 91}
	}
	out := slices.Clone(pdf)
	rows := map[int][3]int{}
	var head, body strings.Builder
	for i, n := range slices.Sorted(maps.Keys(e.inside)) {
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(e.inside[n] + "\n")
		if !slices.Contains(e.unused, n) {
			rows[n] = [3]int{2, e.numbers[0], i}
		}
	}
	if len(e.inside) > 0 {
		data := deflated([]byte(head.String() + body.String()))
		rows[e.numbers[0]] = [3]int{1, len(out), 0}
		out = fmt.Appendf(out, "%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n",
			e.numbers[0], len(e.inside), head.Len(), len(data), data)
	}
	rows[e.numbers[1]] = [3]int{1, len(out), 0}
	maps.Copy(rows, e.points)
	start := len(out)
	var index, data []byte
	for _, n := range slices.Sorted(maps.Keys(rows)) {
		r := rows[n]
		index = fmt.Appendf(index, "%d 1 ", n)
		data = append(data, byte(r[0]), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]), byte(r[2]))
	}
	out = fmt.Appendf(out, "%d 0 obj\n<< /Type /XRef /Size 300 /Root 1 0 R /Prev %d /W [1 3 1] /Index [%s] /Length %d >>\nstream\n%s\nendstream\nendobj\n",
		e.numbers[1], startOf(pdf), index, len(data), data)
	return fmt.Appendf(out, "startxref\n%d\n%%%%EOF\n", start)
}

// In a file with streams: modern puts objects 1, 2, 3, 5, 6, 7 into object stream
// 8, in this order; 9 is its cross-reference, 10 the signature, 11 the field, 12
// the cross-reference of the signature's update.
func TestChangesInStreams(t *testing.T) {
	signed := sign(t, modern(contract()), pades.Options{})
	catalog := `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 11 0 R%s] /SigFlags 3 >> %s>>`
	page := `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Annots [6 0 R 11 0 R%s] /Resources << /Font << /F1 5 0 R >> >> >>`
	field := `<< /Type /Annot /Subtype /Widget /FT /Sig /T (two) /P 3 0 R /Rect [0 0 0 0] >>`
	later := map[int]string{1: fmt.Sprintf(catalog, " 20 0 R", ""), 3: fmt.Sprintf(page, " 20 0 R"), 20: field}
	with := func(o map[int]string) map[int]string {
		m := maps.Clone(later)
		maps.Copy(m, o)
		return m
	}
	replaced := contract()
	delete(replaced, 4)
	replaced[5] = `<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>`
	cases := []struct {
		name string
		e    streamEdit
		want error
	}{
		{"an empty signature field", streamEdit{inside: later}, nil},
		{"the same objects again", streamEdit{inside: map[int]string{5: contract()[5], 6: contract()[6]}}, nil},
		{"nothing but a cross-reference", streamEdit{}, nil},
		{"a font", streamEdit{inside: with(map[int]string{5: `<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>`})}, pades.ErrPageChanged},
		{"a value", streamEdit{inside: map[int]string{6: strings.Replace(contract()[6], "(100)", "(999)", 1)}}, pades.ErrFormChanged},
		{"an object that is not used yet", streamEdit{inside: with(map[int]string{30: "<< >>"}), unused: []int{30}}, pades.ErrObjectUnexplained},
		{"an object that nothing needs", streamEdit{inside: with(map[int]string{30: "<< >>"})}, pades.ErrObjectUnexplained},
		{"an object of the signed object stream", streamEdit{points: map[int][3]int{5: {2, 8, 3}}}, pades.ErrObjectActivated},
		{"the signed object stream is replaced", streamEdit{inside: replaced, unused: slices.Collect(maps.Keys(replaced)), numbers: [2]int{8, 91}}, pades.ErrPageChanged},
		{"the cross-reference takes the number of the page's content", streamEdit{numbers: [2]int{90, 4}}, pades.ErrObjectActivated},
		{"the content goes", streamEdit{points: map[int][3]int{4: {0, 0, 0}}}, pades.ErrObjectRemoved},
		{"the content is another byte", streamEdit{points: map[int][3]int{4: {1, 20, 0}}}, pades.ErrObjectActivated},
		{"an object of another generation", streamEdit{points: map[int][3]int{5: {1, len(signed), 1}}}, pades.ErrObjectActivated},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := signatures(t, c.e.on(signed))[0]
			if err := s.Intact(); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("got %v, want %v; later: %v", err, c.want, s.Later)
			}
		})
	}
}

// A hybrid file (ISO 32000-1, 7.5.8.4) can be signed; an update cannot be one.
func TestHybridFiles(t *testing.T) {
	o := contract()
	delete(o, 7)
	plain := classic(o)
	at := len(plain)
	hidden := deflated([]byte{2, 0, 30, 0})
	container := "<< /Type /ObjStm /N 1 /First 5 /Length 15 >>\nstream\n31 0 << /A 1 >>\nendstream"
	out := fmt.Appendf(slices.Clone(plain), "30 0 obj\n%s\nendobj\n", container)
	stm := len(out)
	out = fmt.Appendf(out, "32 0 obj\n<< /Type /XRef /Size 40 /W [1 2 1] /Index [31 1] /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(hidden), hidden)
	start := len(out)
	out = fmt.Appendf(out, "xref\n30 2\n%010d 00000 n \n0000000000 65535 f \ntrailer\n<< /Size 40 /Root 1 0 R /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n",
		at, startOf(plain), stm, start)
	signed := sign(t, out, pades.Options{})
	if err := signatures(t, signed)[0].Intact(); err != nil {
		t.Error(err)
	}
	forged := edit{root: "/Root 1 0 R", trailer: fmt.Sprintf("/XRefStm %d ", stm)}.on(signed)
	if err := signatures(t, forged)[0].Intact(); !errors.Is(err, pades.ErrUpdateStructure) {
		t.Errorf("got %v", err)
	}
}

// What programs of before PDF 1.5 find in a hybrid file is what we find, or nothing: one in
// which they find another object is not read, signed or not.
func TestAHybridFileIsReadInOneWay(t *testing.T) {
	plain := classic(contract())
	place := bytes.Index(plain, []byte("\n1 0 obj")) + 1
	for name, c := range map[string]struct {
		table func(at int) string // of the hybrid section, for object 1
		place func(at int) int    // of object 1 by its stream
		fits  bool
	}{
		"all of it in the stream, as Word writes": {func(int) string { return "0 0\n" }, func(int) int { return place }, true},
		"in both, alike":                                 {func(int) string { return fmt.Sprintf("1 1\n%010d 00000 n \n", place) }, func(int) int { return place }, true},
		"in both, and not alike":                         {func(int) string { return fmt.Sprintf("1 1\n%010d 00000 n \n", place) }, func(at int) int { return at }, false},
		"the other way round":                            {func(at int) string { return fmt.Sprintf("1 1\n%010d 00000 n \n", at) }, func(int) int { return place }, false},
		"in the stream, and otherwise in a table before": {func(int) string { return "0 0\n" }, func(at int) int { return at }, false},
	} {
		t.Run(name, func(t *testing.T) {
			out := slices.Clone(plain)
			at := len(out)
			object, _, _ := bytes.Cut(plain[place:], []byte("endobj"))
			out = fmt.Appendf(out, "%s %% a second one\nendobj\n", object)
			stm := len(out)
			row := deflated([]byte{1, byte(c.place(at) >> 8), byte(c.place(at)), 0})
			out = fmt.Appendf(out, "40 0 obj\n<< /Type /XRef /Size 41 /W [1 2 1] /Index [1 1] /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(row), row)
			start := len(out)
			out = fmt.Appendf(out, "xref\n%strailer\n<< /Size 41 /Root 1 0 R /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n", c.table(at), startOf(plain), stm, start)
			draft, err := pades.Prepare(out, pades.Options{At: time.Unix(1_800_000_000, 0)})
			if c.fits && (err != nil || draft == nil) || !c.fits && !errors.Is(err, pades.ErrMalformed) {
				t.Errorf("to be signed: %v", err)
			}
		})
	}
}
