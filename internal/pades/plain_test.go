package pades_test

import (
	"errors"
	"testing"

	"tegata/internal/pades"
)

// What acts, or is not for everybody to see, is not for anybody to sign.
func TestOnlyPlainFiles(t *testing.T) {
	with := func(catalog, page, more string) []byte {
		c := contract()
		c[1] = "<< /Type /Catalog /Pages 2 0 R " + catalog + " >>"
		c[3] = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> " + page + " >>"
		if more != "" {
			c[8] = more
		}
		return classic(c)
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"as it is":                        {with("", "", ""), nil},
		"it opens at a place":             {with("/OpenAction << /S /GoTo /D [3 0 R /Fit] >>", "", ""), nil},
		"a link":                          {with("", "/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.org/) >> >>]", ""), nil},
		"a hidden signature field":        {with("", "/Annots [<< /Type /Annot /Subtype /Widget /FT /Sig /T (Later) /F 2 /Rect [0 0 0 0] >>]", ""), nil},
		"structure":                       {with("", "", "<< /Type /StructElem /S /P >>"), nil},
		"a script when it opens":          {with("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>", "", ""), pades.ErrActs},
		"a program when it opens":         {with("/OpenAction << /S /Launch /F (calc.exe) >>", "", ""), pades.ErrActs},
		"a script by name":                {with("/Names << /JavaScript 8 0 R >>", "", "<< >>"), pades.ErrActs},
		"a field that counts by itself":   {with("", "/Annots [<< /Subtype /Widget /FT /Tx /T (a) /Rect [0 0 9 9] /AA << /C 8 0 R >> >>]", "<< /S /JavaScript /JS (1) >>"), pades.ErrActs},
		"a form of another kind":          {with("/AcroForm << /XFA (x) /Fields [] >>", "", ""), pades.ErrActs},
		"a form that each viewer draws":   {with("/AcroForm << /NeedAppearances true /Fields [] >>", "", ""), pades.ErrActs},
		"layers":                          {with("/OCProperties << /OCGs [8 0 R] /D << /OFF [8 0 R] >> >>", "", "<< /Type /OCG /Name (x) >>"), pades.ErrActs},
		"printed and not on the screen":   {with("", "/Annots [<< /Type /Annot /Subtype /FreeText /F 36 /Rect [0 0 300 200] /Contents (I pay) >>]", ""), pades.ErrActs},
		"hidden":                          {with("", "/Annots [8 0 R]", "<< /Type /Annot /Subtype /FreeText /F 2 /Rect [0 0 300 200] >>"), pades.ErrActs},
		"a file inside":                   {with("/Names << /EmbeddedFiles << /Names [] >> >>", "", ""), pades.ErrActs},
		"a script that nothing refers to": {with("", "", "<< /S /JavaScript /JS (1) >>"), pades.ErrActs},
	} {
		if err := pades.CheckPlain(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}
