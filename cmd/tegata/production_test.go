package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/internal/attest"
	"tegata/internal/certpath"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/issuer/profile"
	"tegata/sandbox"
)

// productionEnv makes this test binary the world around a production: its value is
// the folder. A process of its own, since SSL_CERT_FILE is read once.
const productionEnv = "TEGATA_TEST_PRODUCTION"

// TestProduction makes and serves the three roles, each in a process of its own and
// over TLS, by the commands that an operator types, and has a person's phone register
// and log in.
func TestProduction(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { runProduction(t, nil) })
	if os.Getenv("PGTEST") == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) { runProduction(t, newDatabases(t)) })
}

func runProduction(t *testing.T, pg *databases) {
	dir := t.TempDir()
	f := newOperatorFiles(t, dir, pg)
	f.serveMail(t)
	world := exec.Command(os.Args[0])
	world.Env = append(os.Environ(), productionEnv+"="+dir, "SSL_CERT_FILE="+f.tlsRoot)
	out, err := world.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"openssl asked", "stamped", "registered", "mailed", "logged in as 手形　太郎", "ended", "chains ok"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%q was not reached:\n%s", want, out)
		}
	}
}

// operatorFiles are what an operator has before anything is made.
type operatorFiles struct {
	dir     string
	config  string // the configuration's path
	tlsRoot string
}

var productionHosts = map[string]string{"issuer": "ca.localhost", "verifier": "verify.localhost", "portal": "portal.localhost", "phone": "phone.localhost"}

// newOperatorFiles makes TLS certificates, a maker of phones whose root carries no
// mark, terms, and the configuration.
func newOperatorFiles(t testing.TB, dir string, pg *databases) operatorFiles {
	t.Helper()
	f := operatorFiles{dir: dir, config: filepath.Join(dir, "tegata.json"), tlsRoot: filepath.Join(dir, "tls-root.pem")}
	f.makeTLS(t)
	f.makeMaker(t)
	f.write(t, "terms.ja.txt", "利用規約")
	f.write(t, "terms.en.txt", "terms of use")
	conf := f.configuration(t)
	if pg != nil {
		for _, role := range servedRoles {
			conf[role].(map[string]any)["database"] = pg.dsn("prepared", role)
		}
	}
	f.writeJSON(t, "tegata.json", conf)
	return f
}

// configuration is one that holds, as a map that tests spoil.
func (f operatorFiles) configuration(t testing.TB) map[string]any {
	t.Helper()
	base := freePorts(t, 22400)
	host, first, _ := net.SplitHostPort(base)
	next, _ := strconv.Atoi(first)
	role := func(name string) map[string]any {
		port := strconv.Itoa(next)
		at := net.JoinHostPort(host, port)
		next++
		return map[string]any{"url": "https://" + productionHosts[name] + ":" + port, "listen": at, "tls_certificate": "tls.pem", "tls_key": "tls.key"}
	}
	model := phone.SupportedModels()[0]
	issuer := role("issuer")
	issuer["phones"] = map[string]any{"roots": []string{"maker.pem"}, "models": []map[string]string{{"manufacturer": model.Manufacturer, "model": model.Model}}}
	issuer["terms"] = map[string]any{"version": "2026-11", "ja": "terms.ja.txt", "en": "terms.en.txt"}
	open := role("issuer")["listen"].(string)
	issuer["publication"] = map[string]string{"url": "http://" + open, "listen": open}
	portal := role("portal")
	portal["name"] = map[string]string{"ja": "市民ポータル", "en": "Citizens' Portal"}
	verifier := role("verifier")
	verifier["openid"] = map[string]any{"name": map[string]string{"ja": "ログイン窓口", "en": "Login desk"}}
	return map[string]any{
		"data": "data", "organization": "Example Prefecture", "unit": "Example Agency", "oid_arc": "1.3.6.1.4.1.99999.1", "trust": "trust",
		"issuer": issuer, "verifier": verifier, "portal": portal,
		"phone": map[string]string{"url": "https://" + productionHosts["phone"] + ":8443"},
	}
}

func (f operatorFiles) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f operatorFiles) writeJSON(t testing.TB, name string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, name, string(text))
}

func (f operatorFiles) makeTLS(t testing.TB) {
	t.Helper()
	root, leaf := pkitest.ECKey(t), pkitest.ECKey(t)
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test TLS root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test TLS"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, host := range productionHosts {
		server.DNSNames = append(server.DNSNames, host)
	}
	server.DNSNames = append(server.DNSNames, "localhost") // the mail server's
	sign := func(c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), root)
		if err != nil {
			t.Fatal(err)
		}
		return pki.EncodePEM(der)
	}
	f.write(t, "tls-root.pem", string(sign(ca, root)))
	f.write(t, "tls.pem", string(sign(server, leaf)))
	key, err := x509.MarshalPKCS8PrivateKey(leaf)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// makeMaker is a maker of phones like a real one: nothing marks its root.
func (f operatorFiles) makeMaker(t testing.TB) {
	t.Helper()
	key := pkitest.ECKey(t)
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Maker"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(30, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: 1, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: []byte("maker")}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "maker.pem", string(pki.EncodePEM(der)))
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "maker.key", string(text))
}

// openMaker is makeMaker's maker.
func openMaker(dir string) (attest.Maker, error) {
	root, err := openCertificate(filepath.Join(dir, "maker.pem"))
	if err != nil {
		return attest.Maker{}, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "maker.key"))
	if err != nil {
		return attest.Maker{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(text)
	if err != nil {
		return attest.Maker{}, err
	}
	return attest.Maker{Root: root, Key: key.(*ecdsa.PrivateKey)}, nil
}

// world plays everybody around the three roles: their operators at a terminal, a
// register with a municipality's certificate, a card, and a phone.
type world struct {
	dir, config string
	conf        *config
	served      []*exec.Cmd
	local       map[string]string // role → URL of what this process plays
}

// productionWorld is what the child does; it tells how far it comes.
func productionWorld(ctx context.Context, dir string) (err error) {
	w := &world{dir: dir, config: filepath.Join(dir, "tegata.json"), local: map[string]string{}}
	defer w.stop()
	if w.conf, err = openConfig(w.config); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{w.found, w.rely, w.serveRest, w.askPublication, w.askTime, w.playPeople, w.end} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	w.stop()
	if err := w.tegata(ctx, "audit", "check", "-config", w.config, "issuer", "verifier", "portal"); err != nil {
		return err
	}
	fmt.Println("chains ok")
	return nil
}

// tegata runs a command as an operator does.
func (w *world) tegata(ctx context.Context, args ...string) error {
	_, err := w.printed(ctx, args...)
	return err
}

func (w *world) printed(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Env = append(os.Environ(), commandEnv+"=1", productionEnv+"=")
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("tegata %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// serveRoles runs `tegata serve` until stop.
func (w *world) serveRoles(ctx context.Context, roles ...string) error {
	c := exec.CommandContext(ctx, os.Args[0], append([]string{"serve", "-config", w.config}, roles...)...)
	c.Env = append(os.Environ(), commandEnv+"=1", productionEnv+"=")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	w.served = append(w.served, c)
	word := make([]byte, len("ready"))
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "ready" {
		return fmt.Errorf("serve %v said %q: %v", roles, word, err)
	}
	return nil
}

func (w *world) stop() {
	for _, c := range w.served {
		c.Process.Signal(os.Interrupt)
		c.Wait()
	}
	w.served = nil
}

// found makes the issuer, serves it, and installs its authorities where the others
// trust them, as far as the fingerprints agree.
func (w *world) found(ctx context.Context) error {
	printed, err := w.printed(ctx, "init", "-config", w.config, "issuer")
	if err != nil {
		return err
	}
	if err := w.serveRoles(ctx, "issuer"); err != nil {
		return err
	}
	if err := os.Mkdir(w.conf.Trust, 0o755); err != nil {
		return err
	}
	for line := range strings.Lines(printed) {
		label, rest, _ := strings.Cut(line, "\t")
		der, _, err := httpd.Exchange(ctx, httpd.Client(10*time.Second), http.MethodGet, w.conf.url("issuer")+"/ca/"+label+".cer", nil)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(rest, "sha256:"+pki.Fingerprint(der)+"\t") {
			return fmt.Errorf("%s: another certificate than init printed", label)
		}
		if err := os.WriteFile(filepath.Join(w.conf.Trust, label+".cer"), der, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// rely makes verifier and portal and has them certified while the issuer serves.
func (w *world) rely(ctx context.Context) error {
	if err := w.tegata(ctx, "init", "-config", w.config, "verifier", "portal"); err != nil {
		return err
	}
	keys := func(role, name string) string { return filepath.Join(w.conf.Data, role, "keys", name) }
	for _, c := range []struct{ id, role, label, as, more string }{
		{"verifier", "verifier", "sign", "verifier", ""}, {"verifier", "verifier", "decrypt", "verifier", "-encryption"}, {"tsa", "verifier", "tsa", "tsa", ""},
		{"openid", "verifier", "openid", "party", ""}, {"portal", "portal", "sign", "party", ""},
	} {
		args := []string{"party", "certify", "-config", w.config, "-id", c.id, "-role", c.as, "-origin", w.conf.url(c.role),
			"-request", keys(c.role, c.label+".csr"), "-out", keys(c.role, c.label+".pem")}
		if c.more != "" {
			args = append(args, c.more)
		}
		if err := w.tegata(ctx, args...); err != nil {
			return err
		}
	}
	return w.tegata(ctx, "party", "register", "-config", w.config, "-in", filepath.Join(w.conf.Data, "portal", "registration.json"), "-certificate", keys("portal", "sign.pem"))
}

// askPublication has openssl ask about the verifier's certificate at the door of
// publication, without the port in Host. What is not public does not stand there.
func (w *world) askPublication(ctx context.Context) error {
	here, err := tool("tool:openssl")
	if err != nil || !here {
		fmt.Println("openssl is not here; not openssl asked")
		return err
	}
	door := w.conf.Issuer.Publication.URL
	ops := filepath.Join(w.dir, "ops.pem")
	openssl := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "openssl", args...).CombinedOutput()
		return string(out), err
	}
	// The command that certified it is another process: the served issuer hears of it
	// within its allowance.
	time.Sleep(ledgerAllowance)
	if out, err := openssl("x509", "-inform", "DER", "-in", filepath.Join(w.conf.Trust, "ops.cer"), "-out", ops); err != nil {
		return fmt.Errorf("openssl x509: %w\n%s", err, out)
	}
	out, err := openssl("ocsp", "-url", door+"/ocsp", "-issuer", ops, "-CAfile", ops, "-cert", filepath.Join(w.conf.Data, "verifier", "keys", "sign.pem"))
	if err != nil || !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "sign.pem: good") {
		return fmt.Errorf("openssl ocsp: %v\n%s", err, out)
	}
	for _, path := range []string{"/v1/terms", "/v1/status/changes?after=0", "/healthz", "/metrics", "/"} {
		res, err := httpd.Client(5 * time.Second).Get(door + path)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			return fmt.Errorf("%s stands at the door of publication: %s", path, res.Status)
		}
	}
	fmt.Println("openssl asked")
	return nil
}

func (w *world) serveRest(ctx context.Context) error {
	if err := w.serveRoles(ctx, "verifier"); err != nil {
		return err
	}
	if err := w.serveRoles(ctx, "portal"); err != nil {
		return err
	}
	if err := w.healthy(ctx, servedRoles...); err != nil {
		return err
	}
	return w.relyingParty(ctx)
}

// healthy waits until roles say that they can do their job.
func (w *world) healthy(ctx context.Context, roles ...string) error {
	client, until := httpd.Client(5*time.Second), time.Now().Add(20*time.Second)
	for _, role := range roles {
		for {
			_, _, err := httpd.Exchange(ctx, client, http.MethodGet, w.conf.url(role)+"/healthz", nil)
			if err == nil {
				break
			}
			if time.Now().After(until) {
				return fmt.Errorf("%s does not get healthy: %w", role, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}

// machine, page and names implement places for what this process plays.
func (w *world) machine(role string) string {
	if u := w.conf.url(role); u != "" {
		return u
	}
	if role == "municipality" {
		return "https://municipality.localhost" // in its certificate; nobody calls it there
	}
	return w.local[role]
}
func (w *world) page(role string) string { return w.machine(role) }
func (w *world) names(role string) []string {
	return []string{strings.TrimPrefix(w.local[role], "http://")}
}

// play opens a port for a role that this process plays.
func (w *world) play(role string) (func(http.Handler), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.local[role] = "http://" + l.Addr().String()
	return func(h http.Handler) { go http.Serve(l, h) }, nil
}

// playPeople has a resident registered and given a card, registers the phone with
// it, and logs in to the portal.
func (w *world) playPeople(ctx context.Context) error {
	b := build{log: standardBuild(console{err: os.Stderr}, false).log, cost: secret.TestCost(), making: true}
	token := httpd.NewOperatorToken()
	at := site{places: w, base: filepath.Join(w.dir, "people"), arc: w.conf.arc, sandbox: true, now: time.Now}
	var err error
	if at.anchors, err = openAnchors(w.conf.Trust); err != nil {
		return err
	}
	at.certify = w.certifyRegister(ctx)
	openDoor := map[string]func(http.Handler){}
	for _, role := range []string{"cards", "municipality", "phone"} {
		if openDoor[role], err = w.play(role); err != nil {
			return err
		}
	}
	secrets, err := sandbox.OpenSecrets(filepath.Join(w.dir, "people-secrets.json"), b.files)
	if err != nil {
		return err
	}
	cards, err := b.openCards(at.base, secrets, clock.System(), nil)
	if err != nil {
		return err
	}
	defer cards.Close()
	openDoor["cards"](cards.routes(token))
	register, err := b.openMunicipality(ctx, at, token)
	if err != nil {
		return err
	}
	defer register.Close()
	openDoor["municipality"](register.handler.Routes())
	maker, err := openMaker(w.dir)
	if err != nil {
		return err
	}
	phones, err := b.openPhones(ctx, at, maker)
	if err != nil {
		return err
	}
	defer phones.Close()
	openDoor["phone"](phones.routes(w, token))
	return w.live(ctx, token, secrets)
}

// certifyRegister has the register's key certified by the operator's command, as the
// other parties' are, and finds it installed.
func (w *world) certifyRegister(context.Context) func(context.Context, *room, string, profile.Party) (identity, error) {
	return func(ctx context.Context, r *room, label string, party profile.Party) (identity, error) {
		p := &production{config: w.conf}
		if err := p.request(console{err: io.Discard}, r, label, party); err != nil {
			return identity{}, err
		}
		file := filepath.Join(r.keys.Dir, label)
		if err := w.tegata(ctx, "party", "certify", "-config", w.config, "-id", party.ID, "-role", string(party.Role), "-origin", party.Origins[0],
			"-request", file+".csr", "-out", file+".pem"); err != nil {
			return identity{}, err
		}
		anchors, err := openAnchors(w.conf.Trust)
		if err != nil {
			return identity{}, err
		}
		return w.conf.installed(anchors, time.Now)(ctx, r, label, party)
	}
}

// live is what the person does: the desk's card, the registration, a login.
func (w *world) live(ctx context.Context, token httpd.OperatorToken, secrets *sandbox.Secrets) error {
	_, people, err := sandbox.People()
	if err != nil {
		return err
	}
	var person sandbox.Person
	for _, p := range people {
		if p.RegisteredPhone {
			person = p
		}
	}
	person.Contact = &sandbox.Contact{Channel: "mail", Address: "taro@example.jp"}
	client := httpd.Client(60 * time.Second)
	maker := sandbox.Maker{Municipality: w.local["municipality"], Token: token, Client: client}
	if err := maker.Person(ctx, person); err != nil {
		return err
	}
	holder := sandbox.Holder{Phones: w.local["phone"], Cards: w.local["cards"], Token: token, Client: client}
	if err := holder.Phone(ctx, person); err != nil {
		return err
	}
	card, err := secrets.Card(person.ID)
	if err != nil {
		return err
	}
	own, err := secrets.Phone(person.Phone())
	if err != nil {
		return err
	}
	if _, err := holder.Enrol(ctx, person, card, own); err != nil {
		return err
	}
	fmt.Println("registered")
	if err := w.readMail(); err != nil {
		return err
	}
	return w.login(ctx, client, token, person, own)
}

// end has the operators end the portal's registration and revoke its certificate: it
// may ask nothing more, and everybody who asks hears why.
func (w *world) end(ctx context.Context) error {
	if err := w.tegata(ctx, "party", "end", "-config", w.config, "-id", "portal"); err != nil {
		return err
	}
	browser, err := newVisitor()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	if err := browser.open(&said, "POST", w.conf.url("portal")+"/login", url.Values{"with": {"this"}}, nil); err != nil {
		return err
	}
	if !strings.Contains(said.String(), "party-not-registered") {
		return fmt.Errorf("a party that ended may still ask:\n%s", said.String())
	}
	chain, err := readChain(filepath.Join(w.conf.Data, "portal", "keys", "sign.pem"))
	if err != nil {
		return err
	}
	serial := pki.SerialOf(chain[0]).String()
	if err := w.tegata(ctx, "party", "revoke", "-config", w.config, "-serial", serial, "-reason", "keyCompromise"); err != nil {
		return err
	}
	ocsp := certpath.OCSP{Client: httpd.Client(5 * time.Second)}
	for range 100 { // another process wrote it: the served one reads the ledger every second
		status, err := ocsp.Status(ctx, chain[0], chain[1], time.Now())
		if err != nil {
			return err
		}
		if status.State == certpath.Revoked {
			fmt.Println("ended")
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("ten seconds later the portal's certificate is still good")
}

// login begins in a browser at the portal, is approved on the phone, and ends in the
// same browser.
func (w *world) login(ctx context.Context, client *http.Client, token httpd.OperatorToken, person sandbox.Person, own sandbox.PhoneSecrets) error {
	browser, err := newVisitor()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	portal := w.conf.url("portal")
	for _, step := range []struct {
		method, path string
		form         url.Values
	}{{"GET", "/", nil}, {"POST", "/login", url.Values{"with": {"this"}}}} {
		if err := browser.open(&said, step.method, portal+step.path, step.form, nil); err != nil {
			return err
		}
	}
	link, err := browser.link("/open?")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	var out struct {
		Redirect string `json:"redirect"`
	}
	body := map[string]string{"request": link, "phone_auth_pin": own.PhoneAuthPIN}
	if err := httpd.PostJSON(ctx, client, w.local["phone"]+"/v1/phones/"+person.Phone()+"/approve", body, &out, token.Bearer()); err != nil {
		return err
	}
	said.Reset()
	if err := browser.open(&said, "GET", out.Redirect, nil, nil); err != nil {
		return err
	}
	if !strings.Contains(said.String(), person.Name) {
		return fmt.Errorf("the home page does not name the person:\n%s", said.String())
	}
	for _, c := range browser.client.Jar.Cookies(browser.at) {
		if !strings.HasPrefix(c.Name, "__Host-") && c.Name != "lang" {
			return fmt.Errorf("the cookie %s is not bound to this host and to TLS", c.Name)
		}
	}
	fmt.Println("logged in as " + person.Name)
	return nil
}
