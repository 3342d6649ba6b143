package pades_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/pades"
)

func at() time.Time { return time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC) }

// A contract of one page with a text field: the document of most tests.
func contract() map[int]string {
	return map[int]string{
		1: `<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] >> >>`,
		2: `<< /Type /Pages /Kids [3 0 R] /Count 1 >>`,
		3: `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Annots [6 0 R] /Resources << /Font << /F1 5 0 R >> >> >>`,
		4: streamOf("BT /F1 12 Tf 20 100 Td (Pay 100 yen) Tj ET"),
		5: `<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>`,
		6: `<< /Type /Annot /Subtype /Widget /FT /Tx /T (amount) /V (100) /Rect [20 20 80 40] /P 3 0 R /DA (/Helv 10 Tf 0 g) >>`,
		7: `<< /Title (contract) >>`,
	}
}

func streamOf(content string) string {
	return fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content)
}

// classic writes objects with a cross-reference table.
func classic(objects map[int]string) []byte {
	out := []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	at := map[int]int{}
	nums := slices.Sorted(maps.Keys(objects))
	for _, n := range nums {
		at[n] = len(out)
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", n, objects[n])
	}
	start := len(out)
	out = append(out, "xref\n0 1\n0000000000 65535 f \n"...)
	for _, n := range nums {
		out = fmt.Appendf(out, "%d 1\n%010d 00000 n \n", n, at[n])
	}
	info := ""
	if objects[7] != "" {
		info = "/Info 7 0 R "
	}
	return fmt.Appendf(out, "trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n", nums[len(nums)-1]+1, info, start)
}

// modern writes objects into an object stream, but streams, and a cross-reference
// stream with predictors.
func modern(objects map[int]string) []byte {
	out := []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	container := slices.Max(slices.Collect(maps.Keys(objects))) + 1
	own := container + 1
	rows := make([][4]byte, own+1) // type, offset or stream (2), index
	var head, body strings.Builder
	inside := 0
	for _, n := range slices.Sorted(maps.Keys(objects)) {
		if strings.Contains(objects[n], "endstream") {
			rows[n] = [4]byte{1, byte(len(out) >> 8), byte(len(out)), 0}
			out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", n, objects[n])
			continue
		}
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(objects[n] + "\n")
		rows[n] = [4]byte{2, byte(container >> 8), byte(container), byte(inside)}
		inside++
	}
	write := func(num int, entries string, data []byte) {
		rows[num] = [4]byte{1, byte(len(out) >> 8), byte(len(out)), 0}
		if num == own { // it tells its own place
			data = predicted(rows)
		}
		packed := deflated(data)
		out = fmt.Appendf(out, "%d 0 obj\n<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n", num, entries, len(packed), packed)
	}
	write(container, fmt.Sprintf("/Type /ObjStm /N %d /First %d", inside, head.Len()), []byte(head.String()+body.String()))
	start := len(out)
	write(own, fmt.Sprintf("/Type /XRef /Size %d /Root 1 0 R /W [1 2 1] /DecodeParms << /Predictor 15 /Columns 4 >>", own+1), nil)
	return fmt.Appendf(out, "startxref\n%d\n%%%%EOF\n", start)
}

// predicted filters the rows with each of PNG's filters in turn (ISO/IEC 15948, 9.2).
func predicted(rows [][4]byte) (data []byte) {
	var above [4]byte
	for n, r := range rows {
		data = append(data, byte(n%5))
		for i := range r {
			var left, corner byte
			if i > 0 {
				left, corner = r[i-1], above[i-1]
			}
			data = append(data, r[i]-[]byte{0, left, above[i], byte((int(left) + int(above[i])) / 2), nearest(left, above[i], corner)}[n%5])
		}
		above = r
	}
	return data
}

// nearest is Paeth's choice, told otherwise than in the reader: of left, above and
// corner, in this order, the one that is nearest to left + above - corner.
func nearest(left, above, corner byte) byte {
	aim := int(left) + int(above) - int(corner)
	best := left
	for _, c := range []byte{above, corner} {
		if (int(c)-aim)*(int(c)-aim) < (int(best)-aim)*(int(best)-aim) {
			best = c
		}
	}
	return best
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}

// An edit is an incremental update as an attacker writes it.
type edit struct {
	objects map[int]string
	free    []int
	points  map[int]int // entries that point to any byte
	between string      // before the objects
	trailer string
	root    string
	prev    int
}

func startOf(pdf []byte) int {
	fields := strings.Fields(string(pdf[bytes.LastIndex(pdf, []byte("startxref")):]))
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		panic(err)
	}
	return n
}

func (e edit) on(pdf []byte) []byte {
	out := append(bytes.Clone(pdf), e.between...)
	places := maps.Clone(e.points)
	if places == nil {
		places = map[int]int{}
	}
	for _, n := range slices.Sorted(maps.Keys(e.objects)) {
		places[n] = len(out)
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", n, e.objects[n])
	}
	start := len(out)
	out = append(out, "xref\n"...)
	for _, n := range e.free {
		out = fmt.Appendf(out, "%d 1\n0000000000 00001 f \n", n)
	}
	for _, n := range slices.Sorted(maps.Keys(places)) {
		out = fmt.Appendf(out, "%d 1\n%010d 00000 n \n", n, places[n])
	}
	if e.root == "" {
		e.root = "/Root 1 0 R /Info 7 0 R"
	}
	if e.prev == 0 {
		e.prev = startOf(pdf)
	}
	return fmt.Appendf(out, "trailer\n<< /Size 300 /Prev %d %s %s>>\nstartxref\n%d\n%%%%EOF\n", e.prev, e.root, e.trailer, start)
}

// token stands for a CMS message where only the file matters.
var token = []byte{0x30, 0x03, 0x02, 0x01, 0x07}

func sign(t testing.TB, pdf []byte, o pades.Options) []byte {
	t.Helper()
	if o.At.IsZero() {
		o.At = at()
	}
	if o.Room == 0 {
		o.Room = 64
	}
	d, err := pades.Prepare(pdf, o)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Embed(token)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func signatures(t testing.TB, pdf []byte) []*pades.Signature {
	t.Helper()
	list, err := pades.Signatures(pdf)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// swap replaces the one occurrence of a text by another of the same length.
func swap(t testing.TB, pdf []byte, old, new string) []byte {
	t.Helper()
	if len(old) != len(new) || bytes.Count(pdf, []byte(old)) != 1 {
		t.Fatalf("%q is %d times in the file; %q", old, bytes.Count(pdf, []byte(old)), new)
	}
	return bytes.Replace(pdf, []byte(old), []byte(new), 1)
}
