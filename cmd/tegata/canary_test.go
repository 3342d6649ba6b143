package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/element/elementtest"
	"tegata/internal/durable"
	"tegata/internal/secret"
	"tegata/sandbox"
)

// The canaries. A person whose secrets nothing else knows (they are drawn here,
// and the card is given its own before the neighbourhood is started) registers a
// phone on its pages, logs in on the same device and from another, logs in at the bank, signs a file,
// uses the card at a reader, has a browser told of notices, trusts somebody, loosens
// limits, has notices sent elsewhere, reports a use, loses the phone, asks helpers and an agent of the helpdesk, who has signed
// in with a PIN of their own, and gives the phone up. Then those secrets are searched
// for, in every form (needle), in everything that is left: the whole data directory,
// also with its sealed files opened; the logs, in full; the arguments and environment
// of every process; the street's pages, with the trace; the process's memory; and
// all that went over any port of the loopback. Where each may be says mayPass, and
// there it must be found, or the search is worth nothing. The key behind the screen
// lock of the person's device may be nowhere: of it the element has the public half
// and the id, and must have them. What is typed and what is searched for is listed in
// docs/threats.md.
func TestNoSecretLeaves(t *testing.T) {
	inside(t, func(t *testing.T) {
		c := newCanaries(t)
		streams := startCapture(t)
		c.start(t)
		c.live(t)
		c.checkStreet(t)
		c.checkProcesses(t)
		c.checkMemory(t)
		c.checkCrash(t)
		c.checkLogs(t)
		c.checkFiles(t)
		c.checkStreams(t, streams.stop(t))
	})
}

// canaries are a town and a person's secrets in it.
type canaries struct {
	town
	settings   settings
	process    *process
	secrets    struct{ cardPassword, cardPIN, phonePassword, phonePIN, newPassword, newPIN, agentPIN string }
	finger     *elementtest.Finger // behind the screen lock of the person's device; its key is nowhere else
	lockCode   string              // told by the phone, once
	support    string              // support number, likewise
	caseNumber string              // of the helpdesk's
	newAddress string              // where notices shall go
	reported   string              // number of the person's report at the portal
	home       *browser            // logged in at the portal
	readers    []string            // host:port where cards were held
	commands   map[string][]byte   // what /proc said of commands
	needles    []needle            // what is not even in memory afterwards
	told       []needle            // what is shown or kept on purpose somewhere, and nowhere else
	registered []needle            // what the register says of the person
	agents     sandbox.CardSecrets // of the agent's card, as it was made
	push       *pushService
}

func newCanaries(t *testing.T) *canaries {
	cores := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &cores); err != nil {
		t.Fatal(err)
	}
	cores.Cur = cores.Max // for all processes that it starts
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &cores); err != nil {
		t.Fatal(err)
	}
	c := &canaries{commands: map[string][]byte{}, finger: elementtest.NewFinger()}
	c.town = town{dir: filepath.Join(t.TempDir(), "data"), listen: "127.0.0.1:21400", keys: poolKeys(t)}
	c.settings = settings{Listen: c.listen}
	c.make(t, nil, c.employ)
	c.secrets.cardPassword, c.secrets.phonePassword, c.secrets.newPassword = drawPassword(), drawPassword(), drawPassword()
	c.secrets.cardPIN = c.drawPIN(t)
	for c.secrets.phonePIN == "" || c.secrets.phonePIN == c.secrets.cardPIN {
		c.secrets.phonePIN = c.drawPIN(t)
	}
	for c.secrets.newPIN == "" || c.secrets.newPIN == c.secrets.cardPIN || c.secrets.newPIN == c.secrets.phonePIN {
		c.secrets.newPIN = c.drawPIN(t)
	}
	for c.secrets.agentPIN == "" || slices.Contains([]string{c.secrets.cardPIN, c.secrets.phonePIN, c.secrets.newPIN}, c.secrets.agentPIN) {
		c.secrets.agentPIN = c.drawPIN(t)
	}
	c.needles = []needle{
		pinNeedle("the agent's card's PIN", c.secrets.agentPIN, "card_auth_pin", "pin"),
		passwordNeedle("the card's password", c.secrets.cardPassword),
		passwordNeedle("the phone's password", c.secrets.phonePassword),
		pinNeedle("the card's PIN", c.secrets.cardPIN, "card_auth_pin", "pin"),
		pinNeedle("the phone's PIN", c.secrets.phonePIN, "phone_auth_pin", "pin", "again", "old"),
		passwordNeedle("the phone's new password", c.secrets.newPassword),
		pinNeedle("the phone's new PIN", c.secrets.newPIN, "phone_auth_pin", "pin", "again", "old"),
		{"the screen lock's key", encodings("private part", c.finger.Private())},
	}
	mailbox := rand.Text()[:16]
	c.newAddress = mailbox + "@example.jp"
	c.push = newPushService(t)
	c.told = append(factsHeard(), pushKeyOf(t, c.dir), keyNeedle("the browser's push key", c.push.browser.PublicKey().Bytes()),
		keyNeedle("the browser's push secret", c.push.auth), passwordNeedle("the push address", c.push.path), passwordNeedle("the new address", mailbox))
	c.registered = factsRegistered(t)
	c.personalise(t)
	return c
}

// everything is all that is searched for, where none of it may be.
func (c *canaries) everything() []needle {
	return slices.Concat(c.needles, c.told, []needle{c.lockCodeNeedle()})
}

// drawPassword draws 16 letters and digits; the rules for choosing one are easily
// met by them.
func drawPassword() string { return rand.Text()[:16] }

// drawPIN draws a PIN that may be chosen, and that stands nowhere yet in the
// prepared directory or in this program.
func (c *canaries) drawPIN(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		n, err := rand.Int(rand.Reader, big.NewInt(6000))
		if err != nil {
			t.Fatal(err)
		}
		text := strconv.FormatInt(n.Int64()+4000, 10)
		pin, err := secret.ParsePIN(text)
		if err != nil || secret.CheckPINChoice(pin, time.Time{}) != nil {
			continue
		}
		n1 := pinNeedle("", text)
		if len(find(program, n1)) > 0 || len(c.inFiles(t, n1)) > 0 {
			continue
		}
		return text
	}
	t.Fatal("no PIN is rare enough")
	return ""
}

// personalise gives the cards secrets that no file of the sandbox has: at a desk of
// its own, while nothing runs.
func (c *canaries) personalise(t *testing.T) {
	t.Helper()
	c.changePINs(t, resident, [][3]string{
		{"sign", c.card.CardSignaturePassword, c.secrets.cardPassword}, {"auth", c.card.CardAuthPIN, c.secrets.cardPIN}})
	c.changePINs(t, agentCard, [][3]string{{"auth", c.agents.CardAuthPIN, c.secrets.agentPIN}})
}

// changePINs changes secrets of a card: which, from, to.
func (c *canaries) changePINs(t *testing.T, id string, changes [][3]string) {
	t.Helper()
	box, err := card.OpenBox(filepath.Join(c.dir, "cards"), durable.Files{})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	held, err := box.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	held.PowerOn()
	defer held.PowerOff()
	commands := []apdu.Command{{INS: apdu.InsSelect, P1: 0x04, P2: 0x0C, Data: apdu.JPKIAID(), Le: apdu.NoLe}}
	for _, change := range changes {
		file := map[string]byte{"sign": apdu.ByShortID(apdu.EFSignPIN), "auth": apdu.ByShortID(apdu.EFAuthPIN)}[change[0]]
		commands = append(commands, apdu.Command{INS: apdu.InsVerify, P2: file, Data: []byte(change[1]), Le: apdu.NoLe},
			apdu.Command{INS: apdu.InsChangeReference, P1: 0x01, P2: file, Data: []byte(change[2]), Le: apdu.NoLe})
	}
	for _, command := range commands {
		answer := held.Transmit(command.Bytes())
		if !bytes.Equal(answer, []byte{0x90, 0x00}) {
			t.Fatalf("personalise: %v: %X", command, answer)
		}
	}
}

// start runs the neighbourhood as people do: every request is logged, and secrets
// cost what they cost.
func (c *canaries) start(t *testing.T) {
	t.Helper()
	var err error
	c.process, err = start(t.Context(), order{Dir: c.dir, Keys: c.keys, Verbose: true, Standard: true}, "GOTRACEBACK=crash")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.process.kill(0) })
}

// expectNone fails for each place where anything of what is searched for lies.
func (c *canaries) expectNone(t *testing.T, where string, content []byte) {
	t.Helper()
	for _, h := range find(content, c.everything()...) {
		t.Errorf("%s: %v", where, h)
	}
}

// checkStreet searches every page of the street, and the files of its trace.
func (c *canaries) checkStreet(t *testing.T) {
	t.Helper()
	b := newBrowser()
	time.Sleep(300 * time.Millisecond) // events come in batches
	street := c.settings.page("street")
	files := map[string]bool{}
	for _, path := range []string{"/", "/cards", "/mailbox", "/trace?all=1", "/offers", "/break", "/services.json", "/residents.json"} {
		page, err := b.open(t.Context(), street+path)
		if err != nil {
			t.Error(err)
		}
		c.expectNone(t, "the street's page "+path, []byte(page))
		for _, m := range regexp.MustCompile(`href="(/trace/[^"#]+)"`).FindAllStringSubmatch(page, -1) {
			files[m[1]] = true
		}
		if strings.HasPrefix(path, "/trace") && !strings.Contains(page, "[secret]") {
			t.Errorf("the trace tells of no blanked command: %s", words(page))
		}
	}
	for path := range files {
		file, err := b.open(t.Context(), street+path)
		if err != nil {
			t.Error(err)
		}
		c.expectNone(t, "the trace's file "+path, []byte(file))
	}
	if len(files) == 0 {
		t.Error("the trace has no files")
	}
}

// checkProcesses searches what anybody can read about processes.
func (c *canaries) checkProcesses(t *testing.T) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", c.process.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, dir := range append(tasks, fmt.Sprintf("/proc/%d", c.process.cmd.Process.Pid)) {
		for _, name := range toldOfProcess {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
			c.expectNone(t, filepath.Join(dir, name), text)
		}
	}
	for name, text := range c.commands {
		if strings.HasSuffix(name, "/proc") && !bytes.Contains(text, []byte(c.dir)) {
			t.Errorf("%s: its arguments were not seen", name)
		}
		c.expectNone(t, name, text)
	}
}

// checkLogs searches all that the neighbourhood said.
func (c *canaries) checkLogs(t *testing.T) {
	t.Helper()
	log := c.process.err.String()
	for _, line := range []string{"role=phone", "role=portal", "role=issuer", "staff=A-01"} {
		if !strings.Contains(log, line) {
			t.Errorf("the log is not in full: no %s", line)
		}
	}
	// Behind the crash Go counts goroutines, threads and lines of source: any PIN may be
	// among such numbers.
	if said, crash, ok := strings.Cut(log, "SIGABRT"); ok {
		log = said + "SIGABRT" + counted.ReplaceAllString(crash, "$1-")
	}
	c.expectNone(t, "the log", []byte(log))
	for _, h := range find([]byte(log), c.registered...) {
		t.Errorf("the log: %v", h)
	}
}

// counted is a number that Go itself counted, in what it says of a crash.
var counted = regexp.MustCompile(`(goroutine |\.go:|\bm=|\bid=|pid=)\d+\b`)
