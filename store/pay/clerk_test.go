package pay_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/services/pay"
	"tegata/store"
)

func TestATillsCodeDoesNotPrint(t *testing.T) {
	code, err := pay.ParseCode(" 4071 8265")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s %d", code, code, code, code, code); strings.Contains(got, "4071") || strings.Contains(got, "8265") {
		t.Error(got)
	}
	if out, err := json.Marshal(code); err == nil {
		t.Errorf("%s", out)
	}
	for _, bad := range []string{"", "4071826", "407182655", "4071826x", "４０７１８２６５"} {
		if _, err := pay.ParseCode(bad); !errors.Is(err, pay.ErrTillCode) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whoever reaches the page of a till and has no code rings up nothing, gives nothing back
// and sees nothing of what was sold.
func TestAnOpenTillDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		paid := s.sold(1200)
		p := s.pages()
		stranger := func(method, path string, form url.Values) {
			t.Helper()
			var at, body string
			if method == "GET" {
				_, at, body = p.get(path)
			} else {
				_, at, body = p.post(path, form)
			}
			if at != "/till/asahi/enter" || strings.Contains(body, paid) || strings.Contains(body, "1,200") || strings.Contains(body, `name="form"`) {
				t.Errorf("%s %s led to %s: %s", method, path, at, body)
			}
		}
		attack := func() {
			t.Helper()
			for _, path := range []string{"/till/asahi", "/till/asahi/sales", "/till/asahi/sales?slip=" + paid, "/till/asahi/" + paid, "/till/asahi/" + paid + "/refund"} {
				stranger("GET", path, nil)
			}
			for path, form := range map[string]url.Values{
				"/till/asahi":                     {"id": {rand.Text()}, "amount": {"500"}},
				"/till/asahi/" + paid + "/refund": {"id": {rand.Text()}, "amount": {"500"}},
				"/till/asahi/" + paid + "/cancel": {},
				"/till/asahi/leave":               {},
			} {
				stranger("POST", path, form)
			}
			if len(s.asker.asked) != 1 {
				t.Errorf("asked %d times", len(s.asker.asked))
			}
			w.balance(t, 3800)
		}
		attack()
		// Somebody else's cookie value, and none that there ever was.
		home, _ := url.Parse(p.site.URL)
		p.browser.Jar.SetCookies(home, []*http.Cookie{{Name: "pay-till", Value: rand.Text(), Path: "/"}})
		attack()

		// CSRF: the browser is signed in, and a page of somebody else's has it send a form.
		own := p.enters("asahi")
		for _, form := range []string{"", "x", rand.Text(), own + "x"} {
			for path, values := range map[string]url.Values{
				"/till/asahi":                     {"form": {form}, "id": {rand.Text()}, "amount": {"500"}},
				"/till/asahi/" + paid + "/refund": {"form": {form}, "id": {rand.Text()}, "amount": {"500"}},
				"/till/asahi/" + paid + "/cancel": {"form": {form}},
				"/till/asahi/leave":               {"form": {form}},
			} {
				if status, _, body := p.post(path, values); status != 403 || !strings.Contains(body, "pay-till-form") {
					t.Errorf("%s with %q: %d", path, form, status)
				}
			}
			// A token in the address is none.
			if status, _, _ := p.post("/till/asahi?form="+own, url.Values{"id": {rand.Text()}, "amount": {"500"}}); status != 403 {
				t.Errorf("a token in the address: %d", status)
			}
		}
		if len(s.asker.asked) != 1 {
			t.Errorf("asked %d times", len(s.asker.asked))
		}
		w.balance(t, 3800)

		// A form of before is worth nothing after signing out, also in a new sign-in.
		p.post("/till/asahi/leave", url.Values{"form": {own}})
		attack()
		if again := p.enters("asahi"); again == own {
			t.Error("the same token")
		}
		if status, _, _ := p.post("/till/asahi", url.Values{"form": {own}, "id": {rand.Text()}, "amount": {"500"}}); status != 403 || len(s.asker.asked) != 1 {
			t.Errorf("replayed: %d", status)
		}
		// Nobody touched it for half an hour; a shift is over; the shop has another code.
		w.now = w.now.Add(30 * time.Minute)
		attack()
		p.enters("asahi")
		for range 36 {
			w.now = w.now.Add(20 * time.Minute)
			p.get("/till/asahi")
		}
		attack()
		p.enters("asahi")
		if _, at, _ := p.get("/till/asahi"); at != "/till/asahi" {
			t.Errorf("at %s", at)
		}
		if err := s.tills.SetCode(t.Context(), "asahi", tillDigits); err != nil { // the same again
			t.Fatal(err)
		}
		if _, at, _ := p.get("/till/asahi"); at != "/till/asahi" {
			t.Errorf("at %s", at)
		}
		if err := s.tills.SetCode(t.Context(), "asahi", "11112222"); err != nil {
			t.Fatal(err)
		}
		attack()
	})
}

// A clerk of one shop has nothing at another.
func TestAClerkIsOfOneShop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		paid := s.sold(1200)
		other := s.one
		other.ID, other.Name = "yuhi", ui.Text{JA: "そば処ゆうひ", EN: "Yuhi"}
		s.tills.Close()
		s.tills = pay.NewTills(w.Pay, s.asker, s.one, other)
		t.Cleanup(func() { s.tills.Close() })
		p := s.pages()
		// No code is set there: nothing is right.
		if _, at, _ := p.post("/till/yuhi/enter", url.Values{"code": {tillDigits}}); at == "/till/yuhi" {
			t.Error("signed in without a code")
		}
		if err := s.tills.SetCode(t.Context(), "yuhi", tillDigits); err != nil {
			t.Fatal(err)
		}
		own := p.enters("yuhi")
		if _, at, _ := p.get("/till/asahi/sales"); at != "/till/asahi/enter" {
			t.Errorf("the other shop's list: %s", at)
		}
		for _, path := range []string{"/till/yuhi/" + paid, "/till/yuhi/" + paid + "/refund", "/till/yuhi/sales?slip=" + paid} {
			if status, _, body := p.get(path); status != 404 || strings.Contains(body, "1,200") {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, path := range []string{"/till/yuhi/" + paid + "/refund", "/till/yuhi/" + paid + "/cancel"} {
			if status, _, _ := p.post(path, url.Values{"form": {own}, "id": {rand.Text()}, "amount": {"100"}}); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
		// The same id names the other shop's sale.
		if _, _, body := p.post("/till/yuhi", url.Values{"form": {own}, "id": {paid}, "amount": {"1200"}}); !strings.Contains(body, "pay-moved") {
			t.Error(body)
		}
		if _, _, body := p.get("/till/yuhi/sales"); strings.Contains(body, paid) || !strings.Contains(body, "まだありません") {
			t.Error(body)
		}
		w.balance(t, 3800)
	})
}

// Every try is counted before anything is compared: a hundred at once are five.
func TestTriesAtATillsCodeAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		var wrong, locked atomic.Int64
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				switch _, _, err := s.tills.Enter(t.Context(), "asahi", fmt.Sprintf("%08d", i), ""); {
				case errors.Is(err, pay.ErrTillLocked):
					locked.Add(1)
				case errors.Is(err, pay.ErrTillCode):
					wrong.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var tried int64
		err := w.db.Read(t.Context(), func(tx store.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT tries FROM till WHERE shop = 'asahi'`).Scan(&tried)
		})
		if err != nil || tried != 5 || wrong.Load() != 4 || locked.Load() != 20 {
			t.Errorf("%d counted, %d wrong, %d locked, %v", tried, wrong.Load(), locked.Load(), err)
		}
		if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, ""); !errors.Is(err, pay.ErrTillLocked) {
			t.Errorf("the right one, locked: %v", err)
		}
		w.now = w.now.Add(15*time.Minute - time.Millisecond)
		if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, ""); !errors.Is(err, pay.ErrTillLocked) {
			t.Errorf("a moment too early: %v", err)
		}
		w.now = w.now.Add(time.Millisecond)
		for range 3 { // what is right takes the count back
			for i := range 4 {
				_, _, err := s.tills.Enter(t.Context(), "asahi", "00000000", "")
				if !errors.Is(err, pay.ErrTillCode) {
					t.Errorf("try %d: %v", i, err)
				}
			}
			if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, ""); err != nil {
				t.Error(err)
			}
		}
		p := s.pages()
		if _, _, body := p.post("/till/asahi/enter", url.Values{"code": {"00000000"}}); !strings.Contains(body, "pay-till-code") || !strings.Contains(body, "4") {
			t.Error(body)
		}
		p.enters("asahi") // whoever is signed in stays so, whatever a stranger types
		for range 5 {
			s.tills.Enter(t.Context(), "asahi", "00000000", "")
		}
		if _, at, _ := p.get("/till/asahi/sales"); at != "/till/asahi/sales" {
			t.Errorf("at %s", at)
		}
		if err := s.tills.SetCode(t.Context(), "asahi", "11112222"); err != nil { // another code opens it at once
			t.Fatal(err)
		}
		if _, _, err := s.tills.Enter(t.Context(), "asahi", "11112222", ""); err != nil {
			t.Error(err)
		}
		if _, _, err := s.tills.Enter(t.Context(), "nowhere", tillDigits, ""); !errors.Is(err, pay.ErrNotFound) {
			t.Error(err)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Who reaches the page can lock it, again and again, for everybody but the browsers that were
// signed in there: each of them has its own five tries.
func TestALockedTillOpensToItsOwnBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		try := func(p *pages, code string) (at, body string) {
			_, at, body = p.post("/till/asahi/enter", url.Values{"code": {code}})
			return at, body
		}
		lock := func() {
			t.Helper()
			for range 5 {
				s.tills.Enter(t.Context(), "asahi", "00000000", rand.Text())
			}
			if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, ""); !errors.Is(err, pay.ErrTillLocked) {
				t.Fatalf("a stranger is not locked out: %v", err)
			}
		}
		// What somebody put into the browser before is not what it is known by.
		own := s.pages()
		home, _ := url.Parse(own.site.URL)
		planted := rand.Text()
		own.browser.Jar.SetCookies(home, []*http.Cookie{{Name: "pay-till-device-asahi", Value: planted, Path: "/"}})
		left := own.enters("asahi")
		own.post("/till/asahi/leave", url.Values{"form": {left}})
		lock()
		if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, planted); !errors.Is(err, pay.ErrTillLocked) {
			t.Errorf("by a planted cookie: %v", err)
		}
		s.restart() // what is known outlives the process
		if at, body := try(own, tillDigits); at != "/till/asahi" {
			t.Errorf("the shop's own browser is at %s: %s", at, body)
		}
		lock() // its right code gave nobody new tries
		// Five wrong ones lock it, and nobody else.
		for range 5 {
			try(own, "00000000")
		}
		if at, body := try(own, tillDigits); at != "/till/asahi/enter" || !strings.Contains(body, "pay-till-locked") {
			t.Errorf("at %s: %s", at, body)
		}
		w.now = w.now.Add(15 * time.Minute)
		for range 5 { // the stranger is faster
			s.tills.Enter(t.Context(), "asahi", "00000000", "")
		}
		if at, _ := try(own, tillDigits); at != "/till/asahi" {
			t.Errorf("at %s", at)
		}
		// Another code knows no browser of before.
		if err := s.tills.SetCode(t.Context(), "asahi", "11112222"); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			s.tills.Enter(t.Context(), "asahi", "00000000", "")
		}
		if at, body := try(own, "11112222"); at != "/till/asahi/enter" || !strings.Contains(body, "pay-till-locked") {
			t.Errorf("at %s: %s", at, body)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The operator who starts again with the code in force opens the till, and ends no sign-in.
func TestTheSameCodeSetAgainLiftsTheLock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		p := s.pages()
		p.enters("asahi")
		for range 5 {
			s.tills.Enter(t.Context(), "asahi", "00000000", "")
		}
		if err := s.tills.SetCode(t.Context(), "asahi", tillDigits); err != nil {
			t.Fatal(err)
		}
		if _, at, _ := p.get("/till/asahi/sales"); at != "/till/asahi/sales" {
			t.Errorf("at %s", at)
		}
		if _, _, err := s.tills.Enter(t.Context(), "asahi", tillDigits, ""); err != nil {
			t.Errorf("with the right code: %v", err)
		}
	})
}

// A till knows so many browsers.
func TestATillKnowsFiftyBrowsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		newShop(t, w)
		check, err := w.store.TillCode(t.Context(), "asahi")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 53 {
			if err := w.store.TillCodeRight(t.Context(), w.now.Add(time.Duration(i)*time.Second), "asahi", check.Version, fmt.Sprint("device ", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i, known := range map[int]bool{0: false, 2: false, 3: true, 52: true} {
			if c, err := w.store.TryTillCode(t.Context(), w.now, "asahi", fmt.Sprint("device ", i)); err != nil || c.Device != known {
				t.Errorf("device %d: known %v, %v", i, c.Device, err)
			}
		}
		if err := w.store.TillCodeRight(t.Context(), w.now, "asahi", check.Version+1, "x"); !errors.Is(err, pay.ErrMoved) {
			t.Error(err)
		}
	})
}
