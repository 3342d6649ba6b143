package pages

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/docs/guide"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/receipt"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

func TestEveryStringIsThereInBothLanguagesAndNoneIsLeftOver(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}

// moment is when the samples are looked at.
func moment() time.Time { return time.Date(2026, 11, 22, 0, 41, 0, 0, time.UTC) }

func sampleHome() portal.Home {
	seen := moment().Add(-3 * time.Hour)
	cert := func(kind, state string, years int) portal.Certificate {
		return portal.Certificate{Kind: kind, Serial: "6f1c27a09b3de5840112", State: state, NotBefore: moment().AddDate(-1, 2, 0), NotAfter: moment().AddDate(years, 2, 0)}
	}
	use := func(hours int, name, purpose string, verdict ceremony.Verdict, code string, channel ceremony.Channel) portal.Use {
		return portal.Use{At: moment().Add(-time.Duration(hours) * time.Hour).Unix(), Name: ceremony.Text{JA: name, EN: name},
			Purpose: ceremony.Text{JA: purpose, EN: purpose}, Verdict: verdict, Code: code, Channel: channel, Claims: []string{"name"}}
	}
	return portal.Home{
		Account: portal.Account{Name: "佐藤 花子"},
		Session: portal.Session{Grants: map[string]string{ceremony.ScopeSuspend: "x"}, Channel: "cross", Ends: moment().Add(30 * time.Minute)},
		Snapshot: portal.Snapshot{
			At:           moment(),
			Certificates: []portal.Certificate{cert("phone-auth", "good", 4), cert("phone-sign", "good", 4), cert("card-auth", "good", 4), cert("card-sign", "good", 4)},
			Phone:        &portal.Phone{Manufacturer: "Tegata Sandbox", Model: "T-1", RegisteredAt: moment().AddDate(0, -2, 0), LastSeen: &seen},
			Uses: []portal.Use{
				use(0, "くらしの窓口", "ログイン", ceremony.Passed, "", ceremony.Cross),
				use(20, "くらしの窓口", "ログイン", ceremony.Failed, "match-wrong", ceremony.Cross),
				use(28, "あおば銀行", "本人の確認", ceremony.Failed, "holder-refused", ceremony.Same),
				use(50, "くらしの窓口", "ログイン", ceremony.Indeterminate, "status-unknown", ceremony.Same),
			},
		},
	}
}

// A refused attempt is told in the verifier's sentence, with the code small.
func TestARefusedAttemptIsToldInWords(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	home := sampleHome()
	home.Snapshot.Uses[1].Why = ceremony.Text{JA: "選ばれた番号が違います。", EN: "The chosen number is not the right one."}
	pages := []uitest.Page{{Name: "uses", Screen: ui.Screen{Page: "uses", Data: pageOf(home, moment())}}}
	uitest.Says(t, site, pages, "uses", map[ui.Lang][]string{
		ui.JA: {"<p>選ばれた番号が違います。</p>", `<p class="code">番号： match-wrong</p>`, "あなたが断りました"},
		ui.EN: {"<p>The chosen number is not the right one.</p>", `<p class="code">Code: match-wrong</p>`},
	})
}

func receiptOf(clear bool) receipt.Revocation {
	return receipt.Revocation{Issuer: "http://127.0.0.1:8401", Tag: "K7Q2M9XA", RevokedAt: moment().Add(-time.Hour).Unix(), At: moment().Unix(), Clear: clear}
}

// Green needs both: the tag that the phone shows, and nothing on it that can be used.
func TestAReceiptIsGreenOnlyForItsOwnPhone(t *testing.T) {
	for _, c := range []struct {
		tag   string
		clear bool
		good  bool
	}{{"K7Q2M9XA", true, true}, {" k7q2-m9xa ", true, true}, {"K7Q2M9XA", false, false}, {"K7Q2M9XB", true, false}, {"", true, false}} {
		r := receiptOf(c.clear)
		if got := (receiptAnswer{Receipt: r, Other: !r.Of(c.tag)}).Good(); got != c.good {
			t.Errorf("tag %q, clear %t: green %t", c.tag, c.clear, got)
		}
	}
	if (receipt.Revocation{Clear: true}).Of("") {
		t.Error("no tag was taken for the tag of no phone")
	}
}

func samples() []uitest.Page {
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data}}
	}
	link := "http://phone.localhost:8403/open?request_uri=http%3A%2F%2F127.0.0.1%3A8402%2Fr%2FpTz7Jq0c5Zf1k2wYdWmX3A"
	held := sampleHome()
	held.Snapshot.Certificates[0].State, held.Snapshot.Certificates[0].Holds = "held", []string{"lost"}
	moved := 3 // affiliationChanged
	held.Snapshot.Certificates[1].State, held.Snapshot.Certificates[1].Reason = "revoked", &moved
	held.Snapshot.Certificates[2].NotAfter = moment().AddDate(0, 1, 0)
	missing := sampleHome()
	missing.Snapshot = portal.Snapshot{At: moment(), MissingCertificates: true, MissingUses: true}
	empty := sampleHome()
	empty.Snapshot = portal.Snapshot{At: moment()}
	read, err := guide.Open()
	if err != nil {
		panic(err)
	}
	out := []uitest.Page{
		page("40-help", "help", helpPage{[]part{{Chapters: read.Chapters}}}), page("41-chapter", "chapter", chapterPage{read.Chapters[0], &read.Chapters[1]}),
		page("42-chapter-last", "chapter", chapterPage{Chapter: read.Chapters[4]}), page("43-questions", "questions", questionsPage{read.Questions}),
		page("01-start", "start", startPage{Phone: "http://phone.localhost:8403"}), page("02-bye", "start", startPage{Bye: true}), page("03-phone", "phone", phonePage{link}),
		page("04-wait", "wait", waitPage{State: portal.StateWaiting, Match: "64", Link: link, Until: moment().Add(5 * time.Minute)}),
		page("05-opened", "wait", waitPage{State: portal.StateOpened, Match: "64", Link: link, Until: moment().Add(5 * time.Minute)}),
		page("10-home", "home", pageOf(sampleHome(), moment())), page("11-home-held", "home", pageOf(held, moment())),
		page("12-home-missing", "home", pageOf(missing, moment())), page("13-home-empty", "home", pageOf(empty, moment())),
		page("15-certificates", "certificates", pageOf(held, moment())), page("15-certificates-missing", "certificates", pageOf(missing, moment())),
		page("15-certificates-empty", "certificates", pageOf(empty, moment())),
		page("14-uses", "uses", pageOf(sampleHome(), moment())),
		page("25-suspend", "suspend", nil),
		page("27-suspended", "suspended", nil),
		page("35-receipt-half", "receipt", receiptPage{ID: "pTz7Jq0c5Zf1k2wYdWmX3A", Trouble: ui.TroubleOf(nil, portal.ErrReceiptIncomplete)}),
		page("36-lost", "lost", lostPage{}),
		page("37-lost-digit", "lost", lostPage{Birth: "1980-02-17", Trouble: ui.TroubleOf(nil, portal.ErrLostDigit)}),
		page("36-giveup", "giveup", giveUpPage{"http://phone.localhost:8403"}), page("37-giveup-nophone", "giveup", giveUpPage{}),
		page("30-receipt", "receipt", receiptPage{}),
		page("31-receipt-good", "receipt", receiptPage{ID: "pTz7Jq0c5Zf1k2wYdWmX3A", Tag: "K7Q2M9XA", Answer: &receiptAnswer{Receipt: receiptOf(true)}}),
		page("32-receipt-other", "receipt", receiptPage{ID: "pTz7Jq0c5Zf1k2wYdWmX3A", Tag: "AAAAAAAA", Answer: &receiptAnswer{Receipt: receiptOf(true), Other: true}}),
		page("33-receipt-alive", "receipt", receiptPage{ID: "pTz7Jq0c5Zf1k2wYdWmX3A", Tag: "K7Q2M9XA", Answer: &receiptAnswer{Receipt: receiptOf(false)}}),
		page("34-receipt-number", "receipt", receiptPage{ID: "x", Tag: "K7Q2M9XA", Trouble: ui.TroubleOf(nil, portal.ErrReceiptNumber)}),
	}
	out = append(out, trustSamples()...)
	out = append(out, linkSamples()...)
	for _, err := range []*problem.Problem{portal.ErrOtherBrowser, portal.ErrLoginOver, portal.ErrNotLoggedIn, portal.ErrLoginFailed,
		portal.ErrHolderRefused, portal.ErrWrongNumber, portal.ErrNoName, portal.ErrNoSuspend, portal.ErrNoLinks, portal.ErrSessionHeld, portal.ErrSessionRevoked, portal.ErrSessionUnchecked, httpd.Unreachable, problem.Internal, ui.ErrNoPage} {
		trouble := ui.TroubleOf(nil, err).With(ui.Text{JA: "ログインしていません。情報は見られていません。", EN: "Nobody was logged in."}, ui.Action{Label: "ログインの画面へ", URL: "/"})
		out = append(out, page("20-"+err.Code, "trouble", ui.TroublePage{Trouble: trouble}))
	}
	return append(out, deskSamples()...)
}

func TestEveryPageRendersInBothLanguages(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, site, samples())
}

func TestPreview(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Preview(t, site, samples())
}

func TestWhatToDoIsSaidOnceForEachKind(t *testing.T) {
	home := sampleHome()
	for i := range home.Snapshot.Certificates {
		home.Snapshot.Certificates[i].State = "held"
	}
	if got := pageOf(home, moment()).Todo; len(got) != 2 || got[0].Code != "held" || got[1].Code != "held-card" {
		t.Errorf("todo = %v, want held once, and held-card once", got)
	}
	for i := range home.Snapshot.Certificates[:2] {
		home.Snapshot.Certificates[i].State = "good"
	}
	if got := pageOf(home, moment()).Todo; len(got) != 1 || got[0].Code != "held-card" {
		t.Errorf("todo = %v, want held-card once", got)
	}
	home.Snapshot.Certificates = []portal.Certificate{{Kind: "phone-auth", State: "good", NotAfter: moment().Add(-time.Hour)}}
	if got := pageOf(home, moment()).Certificates[0].State; got != "expired" {
		t.Errorf("a certificate past its end is %q, want expired", got)
	}
}

func TestAnErrorPageTellsNothingOfTheError(t *testing.T) {
	trouble := ui.TroubleOf(nil, errors.New("sql: password=hunter2"))
	if trouble.Code != "internal" || trouble.Kind != problem.OurFault {
		t.Errorf("trouble of a plain error = %+v, want our fault", trouble)
	}
}

// awayPortal is a portal whose verifier is away; nobody is logged in.
type awayPortal struct{ Portal }

func (awayPortal) Begin(context.Context, ceremony.Channel) (string, portal.Login, error) {
	return "", portal.Login{}, httpd.Unreachable
}

func (awayPortal) SessionOf(context.Context, string) (portal.Session, portal.Account, error) {
	return portal.Session{}, portal.Account{}, portal.ErrNotLoggedIn
}

// A form that fails leads to a page: it can be reloaded, and come back to, without
// the form being sent again.
func TestALoginThatCannotBeginIsSaidOnAPageOfItsOwn(t *testing.T) {
	for _, secure := range []bool{false, true} {
		h, err := New(Options{Portal: awayPortal{}, Secure: secure})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(method, path string, cookies ...*http.Cookie) *http.Response {
			r := httptest.NewRequest(method, path, nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			w := httptest.NewRecorder()
			h.Routes().ServeHTTP(w, r)
			return w.Result()
		}
		pressed := ask("POST", "/login")
		said := pressed.Cookies()
		if pressed.StatusCode != http.StatusSeeOther || pressed.Header.Get("Location") != "/trouble" || len(said) != 1 || said[0].Secure != secure {
			t.Fatalf("%d to %q with %v", pressed.StatusCode, pressed.Header.Get("Location"), said)
		}
		for range 2 {
			page := ask("GET", "/trouble", said...)
			b, _ := io.ReadAll(page.Body)
			if page.StatusCode != httpd.Unreachable.Status || !strings.Contains(string(b), httpd.Unreachable.JA.Title) {
				t.Errorf("%d %s", page.StatusCode, b)
			}
		}
		if r := ask("GET", "/trouble"); r.StatusCode != http.StatusSeeOther {
			t.Errorf("without a trouble: %d", r.StatusCode)
		}
	}
}
