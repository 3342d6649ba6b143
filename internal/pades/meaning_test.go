package pades_test

import (
	"encoding/ascii85"
	"errors"
	"strings"
	"testing"

	"tegata/internal/pades"
)

func TestMeaning(t *testing.T) {
	page := func(content string) []byte {
		c := contract()
		c[4] = streamOf(content)
		c[3] = `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents [4 0 R] /Resources << /Font << /F1 5 0 R >> /XObject << /I 8 0 R /X 9 0 R /Y 10 0 R >> >> >>`
		c[8] = `<< /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>` + "\nstream\nA\nendstream"
		c[9] = strings.Replace(streamOf("0 0 10 10 re f"), "<<", "<< /Subtype /Form", 1)
		c[10] = strings.Replace(streamOf("q Q /Y Do"), "<<", "<< /Subtype /Form", 1)
		return classic(c)
	}
	for content, want := range map[string]error{
		"BT /F1 12 Tf (a) Tj ET":            nil,
		"BT /F1 12 Tf [(  ) -5 <41>] TJ ET": nil,
		"BT (a) ' ET":                       nil,
		"0 0 10 10 re f":                    nil,
		"0 0 m 10 10 l S":                   nil,
		"/I Do":                             nil,
		"q /X Do Q":                         nil,
		"/S sh":                             nil,
		"BI /W 1 /H 1 ID x EI":              nil,
		"BT 3 Tr (a) Tj ET BT 0 Tr (b) Tj":  nil,
		"q 3 Tr Q BT (b) Tj":                nil,
		"":                                  pades.ErrMeaningless,
		"q Q":                               pades.ErrMeaningless,
		"BT /F1 12 Tf ET":                   pades.ErrMeaningless,
		"BT (   ) Tj () Tj ET":              pades.ErrMeaningless,
		"BT 3 Tr (hidden) Tj ET":            pades.ErrMeaningless,
		"0 0 10 10 re W n f":                pades.ErrMeaningless,
		"% (a) Tj":                          pades.ErrMeaningless,
		"/Nothing Do":                       pades.ErrMeaningless,
		"q /Y Do Q":                         pades.ErrTooLarge,
		"(a Tj":                             pades.ErrMalformed,
		"<2 0\n2> Tj":                       pades.ErrMeaningless, // white space inside, the last 0 left out
		"<2\x00\f\t\r04> Tj":                nil,
		"<> Tj":                             pades.ErrMeaningless,
		"<4G> Tj":                           pades.ErrMalformed,
		"<4 G> Tj":                          pades.ErrMalformed,
		"<41":                               pades.ErrMalformed,
	} {
		if err := pades.CheckMeaning(page(content)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", content, err, want)
		}
	}
	for written, want := range map[string]error{
		"<< /Filter /ASCIIHexDecode /Length 20 >>\nstream\n 284142292054 6a20 >\nendstream":         nil, // (AB) Tj
		"<< /Filter [/AHx] /Length 7 >>\nstream\n712051>\nendstream":                                pades.ErrMeaningless,
		"<< /Filter /AHx /Length 3 >>\nstream\nxy>\nendstream":                                      pades.ErrMalformed,
		"<< /Filter [/A85 /AHx] /Length 16 >>\nstream\n" + ascii85Of("284129546a>") + "\nendstream": nil,
		"<< /Filter /A85 /Length 4 >>\nstream\nabcd\nendstream":                                     pades.ErrMalformed,
		"<< /Filter /Fl /Length 4 >>\nstream\nabcd\nendstream":                                      pades.ErrMalformed,
		streamOf(`(\050\)\n\
 ) Tj`): nil,
		streamOf("(\\040\\\n\\0) Tj"): pades.ErrMeaningless, // a space, nothing, a zero
	} {
		c := contract()
		c[4] = written
		if err := pades.CheckMeaning(classic(c)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", written, err, want)
		}
	}
	c := contract()
	c[2] = `<< /Type /Pages /Kids [] /Count 0 >>`
	if err := pades.CheckMeaning(classic(c)); !errors.Is(err, pades.ErrMeaningless) {
		t.Errorf("no page: %v", err)
	}
	if err := pades.CheckMeaning(modern(contract())); err != nil {
		t.Error(err)
	}
}

func ascii85Of(s string) string {
	out := make([]byte, ascii85.MaxEncodedLen(len(s)))
	return string(out[:ascii85.Encode(out, []byte(s))]) + "~>"
}
