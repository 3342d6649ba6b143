package phone_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/holder/phone/pages"
	"tegata/holder/reader"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui/uitest"
	"tegata/issuer/ra"
)

// screen is a person without script in front of the phone: opens pages, fills
// in forms, reads what is written.
type screen struct {
	t      *testing.T
	client *http.Client
	base   string // http://127.0.0.1:PORT
	path   string // where one is
	body   string // what one sees
	seen   strings.Builder
}

func (w *town) screen(t *testing.T) *screen {
	t.Helper()
	h, err := pages.New(pages.Options{Phones: pages.Machine{Phones: w.phones}, Models: phone.SandboxModels(), Now: w.clock, Sandbox: true})
	w.must(err)
	s := httptest.NewUnstartedServer(nil)
	s.Config.Handler = httpd.Guard(httpd.GuardOptions{Names: []string{s.Listener.Addr().String()}, Pages: true, Camera: true}, h.Routes())
	s.Start()
	t.Cleanup(s.Close)
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &screen{t: t, base: s.URL, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

func (s *screen) take(r *http.Response, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.path, s.body = r.Request.URL.Path, string(b)
	s.seen.WriteString(r.Request.URL.String() + s.body)
	for _, c := range r.Cookies() {
		s.seen.WriteString(c.String())
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		if r.Request.Method == http.MethodPost {
			s.t.Errorf("%s: a form is answered with a page, which a reload would send again", s.path)
		}
		uitest.Check(s.t, s.body)
	}
}

// open opens a page of the phone's origin.
func (s *screen) open(path string) { s.t.Helper(); s.take(s.client.Get(s.base + path)) }

// press sends the form whose action ends so, with what was typed beside its
// hidden fields.
func (s *screen) press(action string, typed url.Values) {
	s.t.Helper()
	s.take(s.client.PostForm(s.sent(action, typed)))
}

// at fails the test unless one is on the page and it says all of these.
func (s *screen) at(path string, says ...string) {
	s.t.Helper()
	if s.path != path {
		s.t.Fatalf("at %s, want %s\n%s", s.path, path, s.body)
	}
	text := html.UnescapeString(s.body)
	for _, want := range says {
		if !strings.Contains(text, want) {
			s.t.Errorf("%s does not say %q", path, want)
		}
	}
}

func typed(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestARegistrationByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	s := w.screen(t)
	s.open("/")
	s.at("/", "どのスマホを使いますか")
	s.press("/hold", typed("phone", "a"))
	s.at("/p/a/", "まだ電子証明書がありません")
	s.open("/p/a/settings")
	s.press("/settings", typed("what", "nfc"))
	s.open("/p/a/enrol")
	s.at("/p/a/enrol", "はじめる前の確認", "オフです")
	s.open("/p/a/settings")
	s.press("/settings", typed("what", "nfc", "on", "yes"))
	s.open("/p/a/enrol")
	s.press("/enrol/begin", nil)
	s.at("/p/a/mark", "このスマホの目印")
	s.press("/mark", typed("picture", "cat", "word", "ことりのうた"))
	s.at("/p/a/enrol/card-password", "1 / 6", "ことりのうた")

	// Out of order leads to the step that is next.
	s.open("/p/a/enrol/password")
	s.at("/p/a/enrol")
	s.open("/p/a/enrol/tap")
	s.at("/p/a/enrol/card-password")

	s.press("/enrol/card-password", typed("password", "short"))
	s.at("/p/a/enrol/card-password", "6〜16文字の英字と数字で入力してください。", "番号： secret-form")
	s.press("/enrol/card-password", typed("password", "WRONG123"))
	s.at("/p/a/enrol/terms", "2 / 6", "規約")
	s.press("/enrol/terms", nil)
	s.at("/p/a/enrol/tap", "3 / 6", "カードを待っています")
	s.take(s.client.PostForm(s.base+"/p/a/enrol/apply", nil))
	s.at("/p/a/enrol/tap", "カードがかざされていません。")

	away := w.hold(c, p)
	waitFor(t, p.Tapped)
	s.open("/p/a/enrol/tap")
	s.at("/p/a/enrol/tap", "カードを離す")
	s.press("/enrol/apply", nil)
	s.at("/p/a/enrol/card-password", "カードの署名用パスワードが違います。", "あと4回入力できます")
	s.press("/enrol/card-password", typed("password", "card26pass")) // small letters are folded
	s.at("/p/a/enrol/tap")
	s.press("/enrol/apply", nil)
	s.at("/p/a/enrol/pin", "4 / 6")
	s.press("/tap/remove", nil)
	away()
	s.at("/p/a/enrol/pin")

	s.press("/enrol/pin", typed("pin", "0217", "again", "0217"))
	s.at("/p/a/enrol/pin", "誕生日は当てられやすいので使えません。", "番号： weak-secret")
	s.press("/enrol/pin", typed("pin", phonePIN, "again", "1111"))
	s.at("/p/a/enrol/pin", "2回の入力が違います。", "番号： entries-differ")
	s.open("/p/a/enrol") // goes on where it was
	s.at("/p/a/enrol", "利用申請の続き", "4 / 6")
	s.press("/enrol/resume", nil)
	s.press("/enrol/pin", typed("pin", "４８２６", "again", phonePIN))
	s.at("/p/a/enrol/password", "5 / 6")
	s.press("/enrol/password", typed("password", cardPassword, "again", cardPassword))
	s.at("/p/a/enrol/password", "カードと同じパスワードは使えません。")
	s.press("/enrol/password", typed("password", phonePassword, "again", phonePassword))
	s.at("/p/a/enrol/register", "6 / 6", "手形　花子")
	s.press("/enrol/register", nil)
	s.at("/p/a/enrol/done", "登録が終わりました", "停止コード")
	code := regexp.MustCompile(`class="lockcode">([0-9 ]+)<`).FindStringSubmatch(s.body)
	if code == nil {
		t.Fatal("no lock code on the last screen")
	}
	s.open("/p/a/enrol/done") // a reload shows it until it is noted
	s.at("/p/a/enrol/done", code[1])
	s.press("/enrol/done", nil)
	s.at("/p/a/", "使えます")
	s.open("/p/a/enrol/done")
	if strings.Contains(s.body, code[1]) {
		t.Error("the lock code was shown again after it was noted")
	}
	s.open("/p/a/history")
	s.at("/p/a/history", "登録", "カードの読み取り")
	for _, canary := range []string{"WRONG123", cardPassword, "card26pass", phonePassword} {
		if strings.Contains(s.seen.String(), canary) {
			t.Errorf("a secret came back in a page, an address or a cookie: %s", canary)
		}
	}
	if strings.Contains(s.seen.String(), `value="`+phonePIN) {
		t.Error("a PIN came back in a page")
	}
}

// toTap walks from the phone's home to the screen that waits for the card.
func (s *screen) toTap(id, cardPassword string) {
	s.t.Helper()
	at := "/p/" + id
	s.open(at + "/enrol")
	s.press("/enrol/begin", nil)
	if s.path == at+"/mark" {
		s.press("/mark", typed("picture", "cat", "word", "ことり"))
	}
	s.press("/enrol/card-password", typed("password", cardPassword))
	if s.path == at+"/enrol/terms" {
		s.press("/enrol/terms", nil)
	}
	s.at(at + "/enrol/tap")
}

// read holds the card to the phone and reads it.
func (s *screen) read(w *town, c reader.Token, p *phone.Phone) {
	s.t.Helper()
	away := w.hold(c, p)
	defer away()
	waitFor(s.t, p.Tapped)
	s.open("/p/" + p.ID() + "/enrol/tap")
	s.press("/enrol/apply", nil)
}

// What was typed for the card is nowhere but in memory, so that a restart forgets it,
// and with it that the phone's password must be another (docs/decisions/802).
func TestARestartForgetsTheCardsPassword(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	s := w.screen(t)
	s.toTap("a", cardPassword)
	s.read(w, c, p)
	s.at("/p/a/enrol/pin")
	w.restart("a")
	s = w.screen(t)
	s.open("/p/a/enrol/pin")
	s.press("/enrol/pin", typed("pin", phonePIN, "again", phonePIN))
	s.at("/p/a/enrol/password", "カードのパスワードとは別のものを") // what remains
	s.press("/enrol/password", typed("password", cardPassword, "again", cardPassword))
	s.at("/p/a/enrol/register")
}

// Every phone that an authority refuses can be had on the settings page. What a phone
// says of itself stops it before the first step; one that lies about itself, or is
// changed after that step, is found out by the authority.
func TestPhonesThatAreRefusedByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c := w.hanako()
	for i, k := range []struct {
		what, value string
		check       string // what the first step says of it
		words, code string
		atKeys      bool // found out when it brings its keys
	}{
		{"model", "old", "この機種には対応していません", "この機種には対応していません。", ra.CodeUnsupportedPhone, false},
		{"boot", "unlocked", "改造されているか、確かめられない状態です", "", ra.CodeAttestationBoot, false},
		{"model", "copycat", "", "この端末のメーカーを確認できません。", ra.CodeAttestationRoot, false},
		{"model", "software", "", "鍵が安全なチップの中で作られていません。", ra.CodeAttestationLevel, false},
		{"model", "exportable", "", "", ra.CodeAttestationExportable, false},
		{"model", "other-key", "", "端末の証明が別の鍵のものです。", ra.CodeAttestationKey, true},
		{"model", "old-challenge", "", "端末の証明が、この申請のために作られたものではありません。", ra.CodeAttestationChallenge, true},
	} {
		t.Run(k.value, func(t *testing.T) {
			p := w.phone("a" + strconv.Itoa(i))
			at, s := "/p/"+p.ID(), w.screen(t)
			change := func(what, value string) {
				s.open(at + "/settings")
				s.take(s.client.PostForm(s.base+at+"/settings", typed("what", what, "value", value)))
				s.at(at + "/settings")
			}
			if k.check != "" {
				change(k.what, k.value)
				s.open(at + "/enrol")
				s.at(at+"/enrol", k.check)
				if strings.Contains(s.body, "申請をはじめる") {
					t.Error("a phone that cannot be registered may begin")
				}
				change(k.what, map[string]string{"model": "t1", "boot": "verified"}[k.what])
			} else {
				change(k.what, k.value)
			}
			s.toTap(p.ID(), cardPassword)
			if k.check != "" {
				change(k.what, k.value) // in another window
			}
			s.read(w, c, p)
			if s.path == at+"/enrol/open" { // what the phone before left
				s.at(at+"/enrol/open", "ほかの申請が途中です")
				s.press("/enrol/resume", nil)
			}
			if k.atKeys {
				s.at(at + "/enrol/pin")
				s.press("/enrol/pin", typed("pin", phonePIN, "again", phonePIN))
				s.press("/enrol/password", typed("password", phonePassword, "again", phonePassword))
				s.at(at+"/enrol/password", k.words, "番号： "+k.code)
			} else {
				s.at(at+"/enrol/tap", k.words, "番号： "+k.code)
			}
			s.open(at + "/history")
			s.at(at+"/history", k.words, "番号： "+k.code)
		})
	}
}

// A blocked secret says which one it is and where the way back is.
func TestBlockedSecretsByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	w.enrol(c, p)
	s := w.screen(t)
	s.open("/p/a/reset-pin")
	for left := 4; left >= 1; left-- {
		s.press("/reset-pin", typed("password", "NOTMINE9", "pin", "7391", "again", "7391"))
		s.at("/p/a/reset-pin", "スマホの署名用パスワードが違います。", fmt.Sprintf("あと%d回入力できます", left), "番号： wrong-phone-password")
	}
	s.press("/reset-pin", typed("password", "NOTMINE9", "pin", "7391", "again", "7391"))
	s.at("/p/a/reset-pin", "スマホの署名用パスワードはロックされています。", "「署名用パスワードを忘れた」から新しく設定できます。", "番号： phone-password-blocked")

	other := w.phone("b")
	s.toTap("b", "WRONG123")
	for left := 4; left >= 1; left-- {
		s.read(w, c, other)
		s.at("/p/b/enrol/card-password", "カードの署名用パスワードが違います。", fmt.Sprintf("あと%d回入力できます", left), "番号： wrong-card-password")
		s.press("/enrol/card-password", typed("password", "WRONG123"))
	}
	s.read(w, c, other)
	s.at("/p/b/enrol/card-password", "カードの署名用パスワードはロックされています。", "住所地の市区町村の窓口で解除できます。", "番号： card-password-blocked")
}

// sent is what a press of the form on this page would send, and where to.
func (s *screen) sent(action string, typed url.Values) (address string, values url.Values) {
	s.t.Helper()
	form := regexp.MustCompile(`(?s)<form[^>]*action="([^"]*` + regexp.QuoteMeta(action) + `)"[^>]*>(.*?)</form>`).FindStringSubmatch(s.body)
	if form == nil {
		s.t.Fatalf("at %s there is no form %q", s.path, action)
	}
	values = url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form[2], -1) {
		values.Set(m[1], html.UnescapeString(m[2]))
	}
	for k, v := range typed {
		values[k] = v
	}
	return s.base + html.UnescapeString(form[1]), values
}

// Every form that compares a secret leads on to a page: what a browser reloads, and
// goes back to, is never the form's own answer. Pressed twice, or sent from a page
// that was opened before, it costs no second try.
func TestNoTryIsLostToAReloadBackOrADoubleClick(t *testing.T) {
	w, _, c := registered(t)
	s := w.screen(t)
	s.open("/p/a/")
	s.press("/hold", nil)
	s.open(strings.TrimPrefix(c.ask(nil), "http://phone.localhost:8403"))
	request := strings.TrimPrefix(s.path, "/p/a")
	wrongPassword := typed("password", "NOTMINE9", "pin", "7391", "again", "7391")
	for _, k := range []struct {
		path  string
		typed url.Values
		tries func(phone.Look) int
		says  string
	}{
		{"/unlock", typed("pin", "9753"), func(l phone.Look) int { return l.PINTries }, "スマホの暗証番号（4けた）が違います。"},
		{request, typed("decision", "approve", "pin", "9753"), func(l phone.Look) int { return l.PINTries }, "スマホの暗証番号（4けた）が違います。"},
		{"/reset-pin", wrongPassword, func(l phone.Look) int { return l.PasswordTries }, "スマホの署名用パスワードが違います。"},
	} {
		t.Run(k.path[:5], func(t *testing.T) {
			tries := func() int {
				t.Helper()
				p, err := w.phones.Find(t.Context(), "a")
				w.must(err)
				l, err := p.Look(t.Context())
				w.must(err)
				return k.tries(l)
			}
			s.open("/p/a" + k.path)
			before, opened := tries(), s.body
			address, values := s.sent(k.path, k.typed)
			r, err := s.client.PostForm(address, values)
			w.must(err)
			if r.Request.Method != http.MethodGet || r.StatusCode != http.StatusOK {
				t.Errorf("the form itself was answered with a page (%d)", r.StatusCode)
			}
			s.take(r, nil)
			s.at("/p/a"+k.path, k.says)
			s.open("/p/a" + k.path) // reload
			s.at("/p/a"+k.path, k.says)
			s.take(s.client.PostForm(address, values)) // the second of two clicks
			s.at("/p/a"+k.path, k.says)
			if got := tries(); got != before-1 {
				t.Errorf("%d tries left, want %d", got, before-1)
			}

			// Back to the page as it was, and typed once more.
			s.press(k.path, typed("decision", "approve", "pin", "12", "password", "short", "again", "12"))
			s.body = opened
			s.press(k.path, k.typed)
			s.at("/p/a"+k.path, "もう一度入力してください。", "番号： old-form")
			if got := tries(); got != before-1 {
				t.Errorf("%d tries left, want %d", got, before-1)
			}

			// Two clicks at the same moment, the browser dropping the first.
			address, values = s.sent(k.path, k.typed)
			cut, cancel := context.WithCancel(t.Context())
			first, err := http.NewRequestWithContext(cut, http.MethodPost, address, strings.NewReader(values.Encode()))
			w.must(err)
			first.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			gone := make(chan struct{})
			go func() { // waited for below
				defer close(gone)
				if r, err := s.client.Do(first); err == nil {
					r.Body.Close()
				}
			}()
			time.Sleep(time.Millisecond) // enough for some of the runs: any order must do
			cancel()
			s.take(s.client.PostForm(address, values))
			s.at("/p/a"+k.path, k.says)
			<-gone
			if got := tries(); got != max(0, before-2) {
				t.Errorf("%d tries left, want %d", got, before-2)
			}
			s.open("/p/a/reset-pin") // for the next
			s.press("/reset-pin", typed("password", phonePassword, "pin", phonePIN, "again", phonePIN))
		})
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("did not happen within a second")
}

func TestARequestByTheScreensAlone(t *testing.T) {
	w, _, c := registered(t)
	s := w.screen(t)
	s.open(strings.TrimPrefix(c.ask(nil), "http://phone.localhost:8403"))
	s.at("/open", "どのスマホを使いますか")
	s.press("/hold", typed("phone", "a"))
	if !strings.HasPrefix(s.path, "/p/a/request/") {
		t.Fatalf("at %s", s.path)
	}
	here := s.path
	s.at(here, "ポータル", "ログインする", "名前", "この端末", "あと3回入力できます")
	s.press("/request/"+strings.TrimPrefix(here, "/p/a/request/"), typed("decision", "approve", "pin", "9753"))
	s.at(here, "スマホの暗証番号（4けた）が違います。", "あと2回入力できます")
	s.press("/request/"+strings.TrimPrefix(here, "/p/a/request/"), typed("decision", "approve", "pin", phonePIN))
	s.at(here+"/done", "送りました", c.redirect)
	if got := c.last(); !slices.Equal(got.Granted, []string{"name"}) {
		t.Errorf("granted %v", got.Granted)
	}
	for _, decision := range []string{"approve", "refuse"} { // pressed twice: what was done is said, nothing more is
		s.take(s.client.PostForm(s.base+here, typed("decision", decision, "pin", phonePIN)))
		s.at(here+"/done", "送りました")
	}
	if len(c.answers) != 1 || len(c.declined) != 0 {
		t.Errorf("%d answers and %d refusals", len(c.answers), len(c.declined))
	}

	// This browser remembers the phone; refusing needs no secret.
	s.open(strings.TrimPrefix(c.ask(nil), "http://phone.localhost:8403"))
	here = s.path
	s.press(strings.TrimPrefix(here, "/p/a"), typed("decision", "refuse"))
	s.at(here+"/done", "断りました")

	// Another device: pasted link, number, no way back for this browser.
	cross := c.ask(func(q *ceremony.Request) {
		q.Channel, q.Match = ceremony.Cross, []string{"27", "64", "91"}
	})
	s.open("/p/a/scan")
	s.press("/scan", typed("link", "not a link"))
	s.at("/p/a/scan", "http で始まるリンクを貼り付けてください。")
	s.press("/scan", typed("link", cross))
	here = s.path
	s.at(here, "相手の画面と同じ番号を押してください", "64", "別の端末の画面")
	s.press(strings.TrimPrefix(here, "/p/a"), typed("decision", "approve", "pin", phonePIN))
	s.at(here, "番号")
	s.press(strings.TrimPrefix(here, "/p/a"), typed("decision", "approve", "pin", phonePIN, "match", "64"))
	s.at(here + "/done")
	if got := c.last(); got.Match != "64" {
		t.Errorf("the number chosen was %q", got.Match)
	}
}

// What could not be checked can be tried again from the page that says so.
func TestWhatCouldNotBeCheckedIsTriedAgain(t *testing.T) {
	w, _, c := registered(t)
	s := w.screen(t)
	s.open("/p/a/")
	s.press("/hold", nil)
	w.cut(func(rw http.ResponseWriter, r *http.Request) bool { http.Error(rw, "", 503); return true })
	s.open(strings.TrimPrefix(c.ask(nil), "http://phone.localhost:8403"))
	s.at("/p/a/request", "確認できませんでした", "もう一度ためす", "ホームへ戻る", "party-status-unknown")
	again := regexp.MustCompile(`href="([^"]*)">もう一度ためす`).FindStringSubmatch(s.body)
	if again == nil {
		t.Fatal("there is no way to try again")
	}
	w.cut(nil)
	s.open(html.UnescapeString(again[1]))
	s.at(s.path, "ログインする", "あと3回入力できます")
}

// A link, which anybody can send, shows a phone and does not change which one the
// person has in the hand.
func TestOnlyThePersonChangesThePhoneInTheHand(t *testing.T) {
	w := newTown(t)
	w.phone("a")
	w.phone("b")
	s := w.screen(t)
	link := "/open?request_uri=" + url.QueryEscape("https://verifier.example/r/x")
	s.open("/p/a/")
	s.at("/p/a/", "このスマホを持つ")
	s.open(link)
	s.at("/open", "どのスマホを使いますか") // none was chosen yet
	s.open("/p/a/")
	s.press("/hold", typed())
	s.at("/p/a/")
	if strings.Contains(s.body, "このスマホを持つ") {
		t.Error("the phone in the hand offers to be taken in the hand")
	}
	s.open("/p/b/")
	s.at("/p/b/", "このスマホを持つ")
	s.open(link)
	s.at("/p/a/request")
	s.open("/p/b/")
	s.press("/hold", typed())
	s.open(link)
	s.at("/p/b/request")
	foreign, err := http.NewRequest(http.MethodPost, s.base+"/hold", strings.NewReader("phone=a"))
	w.must(err)
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Origin", "http://stranger.localhost")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if r, err := s.client.Do(foreign); err != nil || r.StatusCode != http.StatusForbidden || len(r.Cookies()) > 0 {
		t.Errorf("another site's form: %v, %v", r, err)
	}
	s.open(link)
	s.at("/p/b/request")
}

func TestTheWayBackStaysOnThisPhone(t *testing.T) {
	w := newTown(t)
	w.phone("a")
	s := w.screen(t)
	for back, want := range map[string]string{
		"/p/a/enrol": "/p/a/enrol", "/p/b/": "/p/a/", "/p/a/../b/": "/p/a/", "//evil.example/p/a/": "/p/a/", "http://evil.example/p/a/": "/p/a/",
	} {
		s.take(s.client.PostForm(s.base+"/p/a/tap/remove", typed("back", back)))
		s.at(want)
	}
}

// The receipt is a page that can be come back to, as long as nothing new is registered.
func TestTheUseEndsByTheScreensAlone(t *testing.T) {
	w := newTown(t)
	p := w.phone("a")
	w.enrol(w.hanako(), p)
	s := w.screen(t)
	s.open("/p/a/stop")
	s.press("/stop", nil)
	s.at("/p/a/stop", "「分かりました」に印を付けてください")
	w.cut(func(rw http.ResponseWriter, r *http.Request) bool { http.Error(rw, "", 503); return true })
	s.press("/stop", typed("sure", "yes"))
	s.at("/p/a/hand-over/force", "確認できませんでした", "もう一度ためす", "失効したとは、まだ言えません。")
	s.open("/p/a/hand-over/force")
	s.at("/p/a/hand-over/force", "確認できませんでした")
	w.cut(nil)
	s.open("/p/a/stop")
	s.press("/stop", typed("sure", "yes"))
	s.at("/p/a/stopped", "利用を終わりました")
	s.open("/p/a/stopped")
	s.at("/p/a/stopped", "利用を終わりました", "失効証明の番号", p.Element().Tag())
	s.open("/p/a/")
	s.at("/p/a/", "使えなくなりました", "スマホの印", p.Element().Tag())
}

// What was entered wrongly is said beside its field, and the rest of it is kept.
func TestAWrongWordComesBackWithWhatWasEntered(t *testing.T) {
	w := newTown(t)
	w.phone("a")
	s := w.screen(t)
	s.open("/p/a/mark?next=enrol")
	s.press("/mark", typed("picture", "cat", "word", "とてもとてもながいことばです"))
	s.at("/p/a/mark", "1〜12文字のことばを入れてください。", `value="とてもとてもながいことばです"`, `value="cat" required checked`)
	s.press("/mark", typed("picture", "cat", "word", "ことり"))
	s.at("/p/a/enrol/card-password")
	s.open("/p/a/scan")
	s.press("/scan", typed("link", "not a link"))
	s.at("/p/a/scan", "http で始まるリンク", `value="not a link"`)
}

func TestAPhoneThatIsOffHasOneButton(t *testing.T) {
	w := newTown(t)
	w.phone("a")
	s := w.screen(t)
	s.open("/p/a/settings")
	s.press("/settings", typed("what", "power"))
	s.at("/p/a/", "電源が切れています")
	s.open("/p/a/enrol")
	s.at("/p/a/enrol", "電源が切れています")
	s.press("/settings", typed("what", "power", "on", "yes"))
	s.at("/p/a/", "まだ電子証明書がありません")
	s.open("/p/nobody/")
	s.at("/p/nobody/", "このスマホはありません。")
}
