package pades_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tegata/internal/pades"
)

// shadow is a contract whose author prepared more than is seen: object 40 is in
// the bytes and in no cross-reference, 41 is referred to and is not there, 42 is
// in use and nothing refers to it.
func shadow() []byte {
	c := contract()
	c[3] = `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents [4 0 R 41 0 R] /Annots [6 0 R] /Resources << /Font << /F1 5 0 R >> >> >>`
	c[42] = streamOf("BT /F1 12 Tf 20 100 Td (Pay 999 yen) Tj ET")
	c[7] = `<< /Title (contract) /Hidden (` + "\n4 0 obj\n" + streamOf("BT /F1 12 Tf (Pay 100000 yen) Tj ET") + "\nendobj\n" + `) >>`
	return classic(c)
}

const more = "BT /F1 40 Tf 20 100 Td (Pay 100000 yen) Tj ET"

// Every change that is none of the three allowed ones is found, whatever else the
// update does.
func TestChangesAfterASignature(t *testing.T) {
	signed := sign(t, classic(contract()), pades.Options{})
	prepared := sign(t, shadow(), pades.Options{})
	// Object numbers of what Prepare added to a contract: 8 the signature, 9 the
	// field. The page and the catalog as they are after it:
	page := func(contents, annots string) string {
		return `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents ` + contents + ` /Annots [6 0 R 9 0 R` + annots + `] /Resources << /Font << /F1 5 0 R >> >> >>`
	}
	catalog := func(fields, rest string) string {
		return `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 9 0 R` + fields + `] /SigFlags 3 >> ` + rest + ` >>`
	}
	sigField := `<< /Type /Annot /Subtype /Widget /FT /Sig /T (two) /P 3 0 R /Rect `
	overlay := `<< /Type /Annot /Subtype /FreeText /Rect [0 0 300 200] /AP << /N 21 0 R >> >>`
	appearance := strings.Replace(streamOf(more), "<<", "<< /Subtype /Form /BBox [0 0 300 200]", 1)
	hiddenAt := bytes.Index(prepared, []byte("\n4 0 obj\n<< /Length 34")) + 1
	if hiddenAt == 0 {
		hiddenAt = bytes.LastIndex(prepared, []byte("\n4 0 obj\n")) + 1
	}
	oldContent := bytes.Index(prepared, []byte("42 0 obj"))
	cases := []struct {
		name string
		pdf  []byte
		e    edit
		want error
	}{
		{"the content of the page is replaced", signed, edit{objects: map[int]string{4: streamOf(more)}}, pades.ErrPageChanged},
		{"the page gets another content", signed, edit{objects: map[int]string{3: page("20 0 R", ""), 20: streamOf(more)}}, pades.ErrPageChanged},
		{"the page gets more content", signed, edit{objects: map[int]string{3: page("[4 0 R 20 0 R]", ""), 20: streamOf(more)}}, pades.ErrPageChanged},
		{"the font is replaced", signed, edit{objects: map[int]string{5: `<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>`}}, pades.ErrPageChanged},
		{"a page is added", signed, edit{objects: map[int]string{2: `<< /Type /Pages /Kids [3 0 R 20 0 R] /Count 2 >>`, 20: `<< /Type /Page /Parent 2 0 R >>`}}, pades.ErrPageChanged},
		{"another page tree", signed, edit{objects: map[int]string{1: strings.Replace(catalog("", ""), "2 0 R", "20 0 R", 1), 20: `<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>`}}, pades.ErrCatalogChanged},
		{"an annotation over the text", signed, edit{objects: map[int]string{3: page("4 0 R", " 20 0 R"), 20: overlay, 21: appearance}}, pades.ErrAnnotationChanged},
		{"an annotation inside the page", signed, edit{objects: map[int]string{3: page("4 0 R", " << /Type /Annot /Subtype /Square /Rect [0 0 9 9] >>")}}, pades.ErrAnnotationChanged},
		{"annotations are taken away", signed, edit{objects: map[int]string{3: strings.Replace(page("4 0 R", ""), "6 0 R 9 0 R", "", 1)}}, pades.ErrAnnotationChanged},
		{"a form value is changed", signed, edit{objects: map[int]string{6: strings.Replace(contract()[6], "(100)", "(999)", 1)}}, pades.ErrFormChanged},
		{"a form field moves", signed, edit{objects: map[int]string{6: strings.Replace(contract()[6], "[20 20", "[90 20", 1)}}, pades.ErrFormChanged},
		{"a text field is added", signed, edit{objects: map[int]string{1: catalog(" 20 0 R", ""), 20: `<< /FT /Tx /T (more) /V (1) >>`}}, pades.ErrFormChanged},
		{"a field goes", signed, edit{objects: map[int]string{1: strings.Replace(catalog("", ""), "6 0 R ", "", 1)}}, pades.ErrFormChanged},
		{"viewers are told to draw fields anew", signed, edit{objects: map[int]string{1: strings.Replace(catalog("", ""), "/SigFlags", "/NeedAppearances true /SigFlags", 1)}}, pades.ErrFormChanged},
		{"a script runs on opening", signed, edit{objects: map[int]string{1: catalog("", "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>")}}, pades.ErrCatalogChanged},
		{"layers are added", signed, edit{objects: map[int]string{1: catalog("", "/OCProperties << /OCGs [] >>")}}, pades.ErrCatalogChanged},
		{"the title is changed", signed, edit{objects: map[int]string{7: `<< /Title (receipt) >>`}}, pades.ErrCatalogChanged},
		{"another catalog", signed, edit{root: "/Root 20 0 R /Info 7 0 R", objects: map[int]string{20: catalog("", "")}}, pades.ErrCatalogChanged},
		{"other information", signed, edit{root: "/Root 1 0 R"}, pades.ErrCatalogChanged},
		{"an object goes", signed, edit{free: []int{4}}, pades.ErrObjectRemoved},
		{"an object that nothing needs", signed, edit{objects: map[int]string{20: streamOf(more)}}, pades.ErrObjectUnexplained},
		{"a signature field with a picture over the text", signed, edit{objects: map[int]string{1: catalog(" 20 0 R", ""), 3: page("4 0 R", " 20 0 R"),
			20: sigField + `[0 0 300 200] /AP << /N 21 0 R >> >>`, 21: appearance}}, pades.ErrSignatureVisible},
		{"a signature field that acts", signed, edit{objects: map[int]string{1: catalog(" 20 0 R", ""), 20: sigField + `[0 0 0 0] /AA << /PO << /S /JavaScript /JS (x) >> >> >>`}}, pades.ErrFormChanged},
		{"a signature field under another field", signed, edit{objects: map[int]string{1: catalog(" 20 0 R", ""), 20: sigField + `[0 0 0 0] /Parent 6 0 R >>`}}, pades.ErrFormChanged},
		{"a security store with a script", signed, edit{objects: map[int]string{1: catalog("", "/DSS << /Certs [] /JS (x) >>")}}, pades.ErrCatalogChanged},
		{"a page as evidence", signed, edit{objects: map[int]string{1: catalog("", "/DSS << /Certs [3 0 R] >>")}}, pades.ErrCatalogChanged},

		// Shadow attacks: prepared before the signature, brought to light after it.
		{"hide: an overlay goes", signed, edit{free: []int{6}}, pades.ErrObjectRemoved},
		{"replace: what was referred to comes to be", prepared, edit{objects: map[int]string{41: streamOf(more)}}, pades.ErrObjectUnexplained},
		{"replace: as evidence, what was referred to comes to be", prepared, edit{objects: map[int]string{
			1:  `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 44 0 R] /SigFlags 3 >> /DSS << /Certs [41 0 R] >> >>`,
			41: streamOf(more)}}, pades.ErrObjectActivated},
		{"hide and replace: the cross-reference points into the signed part", prepared, edit{points: map[int]int{4: hiddenAt}}, pades.ErrObjectActivated},
		{"an unused object of the signed part takes a number", prepared, edit{points: map[int]int{42: oldContent}}, pades.ErrObjectActivated},

		// Written so that programs disagree.
		{"bytes that belong to nothing", signed, edit{between: "4 0 obj\n" + streamOf(more) + "\nendobj\n"}, pades.ErrUpdateStructure},
		{"a comment that programs that repair take for an object", signed, edit{between: "% 4 0 obj\n"}, pades.ErrUpdateStructure},
		{"the trailer says something new", signed, edit{trailer: "/Foo 1 "}, pades.ErrCatalogChanged},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			forged := c.e.on(c.pdf)
			s := signatures(t, forged)[0]
			if err := s.Intact(); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v; later: %v", err, c.want, s.Later)
			}
			if s.WholeFile {
				t.Error("an update, and the signature says that it covers the whole file")
			}
			// Changed back, it is still found; and a signature of the attacker does not help.
			if back := signatures(t, sign(t, forged, pades.Options{}))[0]; back.Intact() == nil {
				t.Error("an allowed update after it hides it")
			}
		})
	}
}

// The revision after the change does not look changed; the one between does.
func TestChangedAndChangedBack(t *testing.T) {
	signed := sign(t, classic(contract()), pades.Options{})
	forged := edit{objects: map[int]string{4: streamOf(more)}}.on(signed)
	forged = edit{objects: map[int]string{4: contract()[4]}}.on(forged)
	if err := signatures(t, forged)[0].Intact(); !errors.Is(err, pades.ErrPageChanged) {
		t.Errorf("got %v", err)
	}
}

// A signed cross-reference says where an object will be that is not there yet:
// other programs may have passed over it. Its bytes come later, without an update.
func TestBytesWithoutAnUpdate(t *testing.T) {
	o := contract()
	o[1] = strings.Replace(o[1], "/Fields [6 0 R]", "/Fields [6 0 R 8 0 R]", 1)
	o[8] = `<< /FT /Sig /T (s) /V 9 0 R >>`
	o[9] = `<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 0000000001 0000000002 0000000003] /Contents <3003020107> >>`
	pdf := classic(o)
	place := bytes.Index(pdf, []byte("4 0 obj"))
	future := []byte(fmt.Sprintf("%010d 00000 n", len(pdf)))
	pdf = bytes.Replace(pdf, []byte(fmt.Sprintf("%010d 00000 n", place)), future, 1)
	signed := fillRange(pdf)
	forged := fmt.Appendf(bytes.Clone(signed), "4 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", streamOf(more), startOf(signed))
	for _, pdf := range [][]byte{signed, forged} {
		if _, err := pades.Signatures(pdf); !errors.Is(err, pades.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	}
	// Bytes of no revision after a good file, and after an allowed update.
	once := sign(t, classic(contract()), pades.Options{})
	forged = fmt.Appendf(bytes.Clone(once), "4 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", streamOf(more), startOf(once))
	if err := signatures(t, forged)[0].Intact(); !errors.Is(err, pades.ErrUpdateStructure) {
		t.Errorf("got %v", err)
	}
	twice := sign(t, once, pades.Options{})
	forged = fmt.Appendf(bytes.Clone(twice), "40 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", streamOf(more), startOf(twice))
	for i, s := range signatures(t, forged) {
		if err := s.Intact(); !errors.Is(err, pades.ErrUpdateStructure) || s.WholeFile {
			t.Errorf("signature %d: %v", i, err)
		}
	}
	d, err := pades.Prepare(twice, pades.Options{At: at(), Room: 8})
	if err != nil {
		t.Fatal(err)
	}
	third, err := d.Embed(token)
	if err != nil {
		t.Fatal(err)
	}
	third = fmt.Appendf(third, "40 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n", streamOf(more), startOf(third))
	b := signatures(t, third)[2].ByteRange
	wide := bytes.Replace(third, fmt.Appendf(nil, "[0 %d %d %d  ", b[1], b[2], b[3]), fmt.Appendf(nil, "[0 %d %d %d  ", b[1], b[2], len(third)-b[2]), 1)
	if bytes.Equal(wide, third) {
		t.Fatal("nothing was changed")
	}
	if _, err := pades.Signatures(wide); !errors.Is(err, pades.ErrByteRange) {
		t.Errorf("a range that ends after its revision: %v", err)
	}
}

// A security store and a page that share an array: growing one grows the other.
func TestStoreThatIsAlsoContent(t *testing.T) {
	for name, c := range map[string]struct{ contents, certs string }{
		"the same array":                       {"8 0 R", "8 0 R"},
		"an array of the page inside evidence": {"8 0 R", "[3 0 R]"},
		"an array of the page alone":           {"8 0 R", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			o := contract()
			o[1] = `<< /Type /Catalog /Pages 2 0 R /DSS << /Certs ` + c.certs + ` >> >>`
			o[3] = strings.Replace(o[3], "/Contents 4 0 R", "/Contents "+c.contents, 1)
			o[8] = `[4 0 R]`
			signed := sign(t, classic(o), pades.Options{}) // adds 9 and 10
			forged := edit{objects: map[int]string{
				1:  `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [10 0 R] /SigFlags 3 >> /DSS << /Certs 8 0 R >> >>`,
				8:  `[4 0 R 20 0 R]`,
				20: streamOf(more),
			}}.on(signed)
			if err := signatures(t, forged)[0].Intact(); err == nil {
				t.Error("the page grew and nobody noticed")
			}
		})
	}
}

// What is allowed, as others write it: an empty field first, filled later; arrays
// and the form as objects of their own; a store whose arrays grow in place.
func TestAllowedAsOthersWriteIt(t *testing.T) {
	o := contract()
	o[1] = `<< /Type /Catalog /Pages 2 0 R /AcroForm 8 0 R /DSS 11 0 R >>`
	o[3] = strings.Replace(o[3], "[6 0 R]", "10 0 R", 1)
	o[8] = `<< /Fields 9 0 R /SigFlags 1 >>`
	o[9] = `[6 0 R]`
	o[10] = `[6 0 R]`
	o[11] = `<< /Certs 12 0 R >>`
	o[12] = `[13 0 R]`
	o[13] = streamOf("evidence")
	signed := sign(t, classic(o), pades.Options{Field: "first"}) // 14, 15
	steps := []struct {
		e    edit
		want string
	}{
		{edit{objects: map[int]string{12: `[13 0 R 30 0 R]`, 30: streamOf("more evidence")}}, pades.AddedEvidence},
		{edit{objects: map[int]string{9: `[6 0 R 15 0 R 31 0 R]`, 10: `[6 0 R 15 0 R 31 0 R]`,
			31: `<< /Type /Annot /Subtype /Widget /FT /Sig /T (later) /P 3 0 R /Rect [0.0 0 0 0] >>`}}, pades.AddedField},
		{edit{objects: map[int]string{31: `<< /Type /Annot /Subtype /Widget /FT /Sig /T (later) /P 3 0 R /Rect [0.0 0 0 0] /V 32 0 R >>`,
			32: `<< /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 0000000001 0000000002 0000000003] /Contents <3003020107> >>`}}, pades.AddedSignature},
		{edit{objects: map[int]string{4: contract()[4]}}, ""}, // the same again
		{edit{free: []int{200}}, ""},
	}
	for i, step := range steps {
		signed = step.e.on(signed)
		signed = fillRange(signed)
		s := signatures(t, signed)[0]
		if err := s.Intact(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		added := ""
		for _, c := range s.Later {
			if c.Revision == i+3 {
				added = c.Added
			}
		}
		if added != step.want {
			t.Errorf("step %d: added %q, want %q", i, added, step.want)
		}
	}
}

// fillRange fills in the byte range of a signature that a test wrote by hand.
func fillRange(pdf []byte) []byte {
	place := "[0 0000000001 0000000002 0000000003]"
	at := bytes.Index(pdf, []byte(place))
	if at < 0 {
		return pdf
	}
	from := at + bytes.IndexByte(pdf[at:], '<')
	to := from + bytes.IndexByte(pdf[from:], '>') + 1
	return bytes.Replace(pdf, []byte(place), fmt.Appendf(nil, "[0 %010d %010d %010d]", from, to, len(pdf)-to), 1)
}

// A certification signature that allows nothing allows no further signature, but
// a time-stamp.
func TestCertifiedAgainstChanges(t *testing.T) {
	o := contract()
	o[1] = `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [8 0 R] /SigFlags 3 >> /Perms << /DocMDP 9 0 R >> >>`
	o[8] = `<< /FT /Sig /T (author) /V 9 0 R >>`
	o[9] = `<< /Type /Sig /SubFilter /ETSI.CAdES.detached /Reference [<< /TransformMethod /DocMDP /TransformParams << /P 1 >> >>]
		/ByteRange [0 0000000001 0000000002 0000000003] /Contents <3003020107> >>`
	pdf := classic(o)
	certified := bytes.Replace(pdf, []byte("/P 1 >> >>]"), []byte("/P 1>> >> ]"), 1)
	certified = fillRange(certified)
	if _, err := pades.Prepare(certified, pades.Options{At: at()}); !errors.Is(err, pades.ErrClosed) {
		t.Errorf("Prepare: %v", err)
	}
	d, err := pades.PrepareDocTimeStamp(certified, pades.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stamped, err := d.Embed(token)
	if err != nil {
		t.Fatal(err)
	}
	if err := signatures(t, stamped)[0].Intact(); err != nil {
		t.Errorf("a time-stamp: %v", err)
	}
	signed := bytes.Replace(stamped, []byte("/ETSI.RFC3161"), []byte("/ETSI.CAdES.d"), 1)
	if err := signatures(t, signed)[0].Intact(); !errors.Is(err, pades.ErrClosed) {
		t.Errorf("a signature: %v", err)
	}
}
