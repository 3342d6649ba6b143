package oidc_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/store/storetest"
	"tegata/verifier/oidc"
)

// The quick starts of docs/relying-parties.md are taken from there and run as they
// stand, but for the port. The one for Node is test/browser/clients.test.js's.

// block is the code of the page in a language.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/relying-parties.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("docs/relying-parties.md has no code in %s", language)
	}
	return code
}

// freeAddress is one of the loopback that nobody has.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// quick registers a client whose site is at the address, and returns what its
// environment has to say.
func (w *world) quick(address, callback string) []string {
	w.t.Helper()
	secret, sum := oidc.NewSecret()
	w.register(oidc.Client{ID: "quick", Name: ceremony.Text{JA: "青葉書店", EN: "Aoba Books"}, Mark: "本", Profile: oidc.Basic, Refresh: true,
		Authentication: oidc.SecretBasic, SecretSHA256: sum, RedirectURIs: []string{"http://" + address + callback},
		Purpose: ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "注文を見ます。", EN: "See your orders."}, RiskFloor: ceremony.R1, Claims: []string{"name"}}})
	return []string{"ISSUER=" + w.origin, "CLIENT_ID=quick", "CLIENT_SECRET=" + secret}
}

// site runs a program until the test ends, and returns when it listens.
func site(t *testing.T, address string, cmd *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("it ended: %s", said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("it does not listen")
		}
	}
}

// goTo follows a link to the verifier's pages, has a holder approve, and comes back.
func (w *world) goTo(b *browser, address, link string) page {
	w.t.Helper()
	b.c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if !slices.Contains([]string{w.origin, "http://" + address}, "http://"+r.URL.Host) || len(via) > 20 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	p := b.get(link)
	if !strings.HasPrefix(p.at.Path, "/login/") {
		w.t.Fatalf("at %s (%d): %s", p.at, p.status, p.text)
	}
	p = b.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
	redirect, err := w.answer(w.requestIn(p), "hanako")
	if err != nil {
		w.t.Fatal(err)
	}
	return b.get(redirect)
}

func TestTheQuickStartForGo(t *testing.T) {
	w, address, dir := newWorld(t, storetest.SQLite(t)), freeAddress(t), t.TempDir()
	code := strings.ReplaceAll(block(t, "go"), "127.0.0.1:9000", address)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "site")
	for _, args := range [][]string{{"vet", filepath.Join(dir, "main.go")}, {"build", "-o", program, filepath.Join(dir, "main.go")}} {
		if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	cmd := exec.Command(program)
	cmd.Env = w.quick(address, "/callback")
	site(t, address, cmd)
	b := w.browser()
	p := w.goTo(b, address, "http://"+address+"/login")
	if p.status != 200 || !strings.HasPrefix(p.text, "Hello, 手形 花子 (") {
		t.Errorf("%d at %s: %s", p.status, p.at, p.text)
	}
	if p := b.get(p.at.String()); p.status != 400 {
		t.Errorf("the same answer again: %d %s", p.status, p.text)
	}
	// An answer of somebody else's login, brought by a link: this browser began none.
	if p := w.browser().get("http://" + address + "/callback?" + url.Values{"code": {"x"}, "state": {"y"}, "iss": {w.origin}}.Encode()); p.status != 400 {
		t.Errorf("a browser that began nothing: %d", p.status)
	}
}

// The reverse proxy of the page, oauth2-proxy as others have it: login, the site behind
// it, and signing out, which ends the grant.
func TestASiteBehindOAuth2Proxy(t *testing.T) {
	proxy := filepath.Join(t.TempDir(), "oauth2-proxy")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile="+filepath.Join("..", "..", "tools", "oauth2-proxy.mod"), "-o", proxy, "github.com/oauth2-proxy/oauth2-proxy/v7")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as `make test` compiled it before
	if out, err := build.CombinedOutput(); err != nil {
		if os.Getenv("TEGATA_TOOLS") == "required" {
			t.Fatalf("oauth2-proxy could not be built: %v\n%s", err, out)
		}
		t.Skipf("SKIPPED: oauth2-proxy could not be built: %v\n%s", err, out)
	}
	w, address := newWorld(t, storetest.SQLite(t)), freeAddress(t)
	seen := make(chan string, 10)
	board := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("X-Forwarded-User")
		io.WriteString(rw, "清掃は日曜です。")
	}))
	t.Cleanup(board.Close)
	env := append(w.quick(address, "/oauth2/callback"), "COOKIE_SECRET="+strings.Repeat("c", 32), "UPSTREAM="+board.URL)
	// As a shell would read it: the page quotes nothing.
	line := strings.NewReplacer("\\\n", " ", "127.0.0.1:9000", address).Replace(block(t, "sh"))
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		line = strings.ReplaceAll(line, "$"+name, value)
	}
	args := strings.Fields(line)
	if args[0] != "oauth2-proxy" || strings.Contains(line, "$") {
		t.Fatal(line)
	}
	site(t, address, exec.Command(proxy, args[1:]...))

	b := w.browser()
	p := w.goTo(b, address, "http://"+address+"/board.txt")
	if p.status != 200 || p.text != "清掃は日曜です。" {
		t.Fatalf("%d at %s: %s", p.status, p.at, p.text)
	}
	_, id := w.rp(t.Context()).login(t.Context(), "hanako")
	if user := <-seen; len(user) != len(id.Subject) || user == id.Subject { // another sector, another sub
		t.Errorf("the site saw the user %q", user)
	}
	d := w.desk("desk")
	grant := d.login("hanako")[ceremony.ScopeLinks]
	standing := func() (ids []string) {
		links, err := d.links(grant)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links.Links {
			if l.Ended == 0 {
				ids = append(ids, l.ID)
			}
		}
		return ids
	}
	if !slices.Contains(standing(), "quick") {
		t.Errorf("linked: %v", standing())
	}
	b.get("http://" + address + "/oauth2/sign_out")
	if p := b.get("http://" + address + "/board.txt"); !strings.HasPrefix(p.at.Path, "/login/") {
		t.Errorf("after signing out: %d at %s", p.status, p.at)
	}
	if slices.Contains(standing(), "quick") {
		t.Error("the grant outlives signing out")
	}
}
