package phone_test

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// signsAll fetches a request for these and says yes.
func (c *checkpoint) signsAll(t *testing.T, p *phone.Phone, sheets []sheet) (phone.Ask, phone.Outcome, error) {
	t.Helper()
	a, err := p.Fetch(t.Context(), c.ask(c.signingAll(sheets)))
	c.w.must(err)
	out, err := p.Answer(t.Context(), a.ID, agreed(t, a))
	return a, out, err
}

func kept(t *testing.T, p *phone.Phone) ([]phone.SignedDocument, phone.Room) {
	t.Helper()
	list, room, err := p.SignedDocuments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list, room
}

func TestACopyForThePerson(t *testing.T) {
	w, p, c := registered(t)
	sheets := threeSheets()
	a, _, err := c.signsAll(t, p, sheets)
	w.must(err)
	p = w.restart("a")
	list, room := kept(t, p)
	if len(list) != 3 || room.Copies != 3 || room.Bytes < 3<<10 || room.Full() {
		t.Fatalf("%+v, %+v", list, room)
	}
	for i, d := range list {
		if d.Name != sheets[i].name || d.Party.EN != "Portal" || d.What.EN != "Open an account" || d.At != w.clock().Unix() || d.Unsure {
			t.Errorf("%+v", d)
		}
		got, err := p.SignedDocument(t.Context(), d.ID)
		w.must(err)
		if !bytes.Equal(got.Shown.Content, sheets[i].content) || !bytes.Equal(got.Signature, c.signed[i]) {
			t.Errorf("%s: another document or signature", d.Name)
		}
		// The store has none of it in clear.
		raw, err := w.config.Store.Copy(t.Context(), "a", d.ID)
		w.must(err)
		for _, part := range [][]byte{raw.About, raw.Document, raw.Signature} {
			if bytes.Contains(part, sheets[i].content) || bytes.Contains(part, []byte(d.Name)) || bytes.Contains(part, []byte("手形")) || bytes.Contains(part, []byte("Portal")) {
				t.Errorf("%s lies open in the store", d.Name)
			}
		}
	}
	// One part is not taken for another's.
	first, err := w.config.Store.Copy(t.Context(), "a", list[0].ID)
	w.must(err)
	moved := first
	moved.ID = "other-1"
	w.must(w.config.Store.CloseAsk(t.Context(), w.clock(), "a", "none", []phone.Copy{moved}))
	if got, err := p.SignedDocument(t.Context(), "other-1"); err == nil {
		t.Errorf("under another name it opens: %+v", got)
	}
	w.must(p.EraseSigned(t.Context(), "other-1"))

	w.must(p.EraseSigned(t.Context(), list[1].ID))
	if _, err := p.SignedDocument(t.Context(), list[1].ID); code(err) != "no-such-copy" {
		t.Errorf("erased: %v", err)
	}
	if list, _ := kept(t, p); len(list) != 2 || list[0].ID != a.ID+"-01" || list[1].ID != a.ID+"-03" {
		t.Errorf("left: %+v", list)
	}
	other := w.phone("b")
	w.must(other.EraseAllSigned(t.Context())) // another phone's hand
	if _, err := other.SignedDocument(t.Context(), list[0].ID); code(err) != "no-such-copy" {
		t.Errorf("by another phone: %v", err)
	}
	if list, _ := kept(t, p); len(list) != 2 {
		t.Errorf("left: %+v", list)
	}
	w.must(p.EraseAllSigned(t.Context()))
	if list, room := kept(t, p); len(list) != 0 || room != (phone.Room{}) {
		t.Errorf("left: %+v", list)
	}
}

func TestAResetLeavesNoCopy(t *testing.T) {
	w, p, c := registered(t)
	_, _, err := c.signsAll(t, p, threeSheets())
	w.must(err)
	if _, err := p.Stop(t.Context()); err != nil { // giving up is not a reset: they are the person's
		t.Fatal(err)
	}
	if list, _ := kept(t, p); len(list) != 3 {
		t.Errorf("after giving up: %d", len(list))
	}
	w.must(p.Reset(t.Context()))
	if list, _ := kept(t, p); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
	if all, err := w.config.Store.Copies(t.Context(), "a"); err != nil || len(all) != 0 {
		t.Errorf("in the store: %+v, %v", all, err)
	}
}

// Nothing is kept of what was refused, by the person or by the verifier.
func TestNothingIsKeptOfARefusal(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(c.signingAll(threeSheets())))
	w.must(err)
	_, err = p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown})
	w.must(err)
	c.set(func(rw http.ResponseWriter, r *http.Request) bool {
		httpd.WriteProblem(rw, r, problem.New(problem.Refused, 403, "signed-document-invalid", problem.Text{Title: "x"}, problem.Text{Title: "x"}).With("verdict", "failed"))
		return true
	})
	if _, out, err := c.signsAll(t, p, threeSheets()); code(err) != "signed-document-invalid" || out.Copies != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	// Signed, not delivered, and then refused after all.
	c.set(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(502); return true })
	a, _, err = c.signsAll(t, p, threeSheets())
	if err == nil {
		t.Fatal("delivered")
	}
	c.set(nil)
	if out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown}); err != nil || out.Approved {
		t.Errorf("%+v, %v", out, err)
	}
	w.pass(11 * time.Minute)
	if list, _ := kept(t, p); len(list) != 0 {
		t.Errorf("kept: %+v", list)
	}
}

// An approval whose answer was lost is sent again with the same signatures, and kept once;
// one that never got through in time is kept, and says that nobody knows.
func TestALostAnswerIsKeptOnce(t *testing.T) {
	w, p, c := registered(t)
	lost := 0
	c.set(func(rw http.ResponseWriter, _ *http.Request) bool {
		if lost++; lost > 1 {
			return false
		}
		rw.WriteHeader(502)
		return true
	})
	a, _, err := c.signsAll(t, p, threeSheets())
	if err == nil {
		t.Fatal("delivered")
	}
	if list, _ := kept(t, p); len(list) != 0 {
		t.Errorf("before it arrived: %+v", list)
	}
	p = w.restart("a")
	out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true}) // no password: it is signed
	w.must(err)
	if list, _ := kept(t, p); out.Copies != 3 || len(list) != 3 || list[0].Unsure {
		t.Errorf("%+v, %+v", out, list)
	}
	c.set(func(rw http.ResponseWriter, _ *http.Request) bool { rw.WriteHeader(502); return true })
	w.pass(time.Minute)
	signedAt := w.clock()
	if _, _, err := c.signsAll(t, p, threeSheets()[:2]); err == nil {
		t.Fatal("delivered")
	}
	w.pass(11 * time.Minute)
	list, _ := kept(t, p)
	if len(list) != 5 || !list[0].Unsure || !list[1].Unsure || list[0].At != signedAt.Unix() || list[2].Unsure {
		t.Errorf("after its time: %+v", list)
	}
}

// What is full is not emptied by itself: it is said before, and the signature is made all
// the same.
func TestAFullPhoneKeepsWhatItHas(t *testing.T) {
	w, p, c := registered(t)
	_, _, err := c.signsAll(t, p, threeSheets())
	w.must(err)
	list, _ := kept(t, p)
	one, err := w.config.Store.Copy(t.Context(), "a", list[0].ID)
	w.must(err)
	fill := func(n, size int) {
		var all []phone.Copy
		for i := range n {
			c := one
			c.ID, c.Size = "fill-"+strconv.Itoa(i), size
			all = append(all, c)
		}
		w.must(w.config.Store.CloseAsk(t.Context(), w.clock(), "a", "none", all))
	}
	for _, f := range []struct{ n, size int }{{phone.MaxCopies - 3 - 2, 1}, {1, phone.MaxCopyBytes - 100<<10}} {
		fill(f.n, f.size)
		all, err := w.config.Store.Copies(t.Context(), "a")
		w.must(err)
		a, out, err := c.signsAll(t, p, threeSheets())
		w.must(err)
		if !a.NoRoom || !out.Approved || !out.NoRoom || out.Copies != 0 {
			t.Errorf("%d of %d bytes: %+v", f.n, f.size, out)
		}
		after, err := w.config.Store.Copies(t.Context(), "a")
		w.must(err)
		if len(after) != len(all) {
			t.Errorf("%d copies, before %d", len(after), len(all))
		}
		for i := range f.n {
			w.must(p.EraseSigned(t.Context(), "fill-"+strconv.Itoa(i)))
		}
	}
	if a, out, err := c.signsAll(t, p, threeSheets()); err != nil || a.NoRoom || out.Copies != 3 {
		t.Errorf("with room again: %+v, %v", out, err)
	}
}

func TestCopiesOnTheScreen(t *testing.T) {
	w, p, c := registered(t)
	s := w.screen(t)
	s.open("/p/a/documents")
	s.at("/p/a/documents", "署名した書類はまだありません。")
	sheets := threeSheets()
	sheets[0].content = []byte("払う\u202E001 <script>x</script>\n")
	a, _, err := c.signsAll(t, p, sheets)
	w.must(err)
	s.open("/p/a/")
	s.at("/p/a/", `href="/p/a/documents"`, "署名した書類")
	s.open("/p/a/documents")
	s.at("/p/a/documents", "申込書.txt", "約款.pdf", "申告.xml", "ポータル", "口座を開く", "3件（200件まで）")
	at := func(i int) string { return "/p/a/documents/" + a.ID + "-0" + strconv.Itoa(i) }
	for i, says := range map[int][]string{1: {"払う[U+202E]001 <script>", "署名を取り出す"}, 2: {"PDFを開いて読む", "署名の入った文書を取り出す"}, 3: {"pay", "100"}} {
		s.open(at(i))
		s.at(at(i), says...)
	}
	if strings.Contains(s.body, "<script>x") {
		t.Error("the document is part of the page")
	}
	for i, sheet := range sheets {
		signature := map[string]string{"cades": sheet.name + ".p7s", "pades": "signed-" + sheet.name, "xades": "signed-" + sheet.name}[sheet.format]
		for part, want := range map[string]struct {
			name    string
			content []byte
		}{"/file": {sheet.name, sheet.content}, "/signature": {signature, c.signed[i]}} {
			r, err := s.client.Get(s.base + at(i+1) + part)
			w.must(err)
			got, err := io.ReadAll(r.Body)
			w.must(err)
			r.Body.Close()
			disposition, names, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
			if err != nil || disposition != "attachment" || names["filename"] != want.name || !bytes.Equal(got, want.content) {
				t.Errorf("%s%s: %s %v, %d bytes, %v", sheet.name, part, disposition, names, len(got), err)
			}
			if !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s%s: %v", sheet.name, part, r.Header)
			}
		}
	}
	if _, err := cms.Verify(c.signed[0], sheets[0].content); err != nil {
		t.Error(err)
	}
	s.open(at(2) + "/pdf")
	if s.body != string(onePage()) {
		t.Error("another PDF")
	}
	s.open(at(1) + "/pdf")
	s.at(at(1)+"/pdf", "no-such-document")
	s.open(at(7))
	s.at(at(7), "no-such-copy")
	// Nothing goes without the tick.
	s.open(at(1))
	s.press("/erase", nil)
	s.at(at(1), "印を付けてください")
	s.press("/erase", typed("sure", "yes"))
	s.at("/p/a/documents", "消しました", "約款.pdf")
	s.open("/p/a/stop")
	s.at("/p/a/stop", "署名した書類の控えが2件、このスマホにあります")
	s.open("/p/a/documents")
	s.press("/documents/erase", nil)
	s.at("/p/a/documents", "印を付けてください", "約款.pdf")
	s.press("/documents/erase", typed("sure", "yes"))
	s.at("/p/a/documents", "署名した書類はまだありません。")
	if list, _ := kept(t, p); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}
