package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/holder/eid"
	"tegata/holder/element"
	"tegata/holder/reader"
	"tegata/internal/secret"
)

// canaryStep is one thing that the person does.
type canaryStep struct {
	name string
	do   func(context.Context) error
}

// live is what the person does.
func (c *canaries) live(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for _, step := range append([]canaryStep{
		{"register on the pages", c.register},
		{"log in on this device", c.loginHere},
		{"log in by the screen lock", func(ctx context.Context) error { return c.loginByLock(ctx, t) }},
		{"log in from another device, by command", c.loginThere},
		{"log in at the bank and others, on the pages", c.loginOutside},
		{"sign a file, by command", c.sign},
		{"sign a document for somebody, on the pages", c.signForShop},
		{"use the card at a reader, by command", c.useCard},
	}, c.trouble()...) {
		if err := step.do(ctx); err != nil {
			t.Fatalf("%s: %v\n%s", step.name, err, c.process.err.String())
		}
	}
}

func (c *canaries) phonePage() string { return c.settings.page("phone") + "/p/" + newPhone }

// register is the whole registration in a browser, typing the secrets into the
// phone's own pages.
func (c *canaries) register(ctx context.Context) error {
	b := newBrowser()
	page := c.phonePage()
	steps := []struct {
		path string
		form url.Values
	}{
		{"/mark", url.Values{"picture": {"star"}, "word": {"まつ"}, "next": {"enrol"}}},
		{"/enrol/begin", url.Values{}},
		{"/enrol/card-password", url.Values{"password": {c.secrets.cardPassword}}},
	}
	if text, err := b.open(ctx, page+"/mark"); err != nil {
		return err
	} else if picture, err := found(text, `name="picture" value="([^"]*)"`); err != nil {
		return err
	} else {
		steps[0].form.Set("picture", picture)
	}
	for _, s := range steps {
		if _, err := b.send(ctx, page+s.path, s.form); err != nil {
			return err
		}
	}
	text, err := b.open(ctx, page+"/enrol/terms")
	if err != nil {
		return err
	}
	version, err := found(text, `name="version" value="([^"]*)"`)
	if err != nil {
		return err
	}
	if text, err = b.send(ctx, page+"/enrol/terms", url.Values{"version": {version}}); err != nil {
		return err
	}
	if err := c.hold(ctx, b, text); err != nil {
		return err
	}
	for _, s := range []struct {
		path string
		form url.Values
	}{
		{"/enrol/apply", url.Values{}},
		{"/enrol/pin", url.Values{"pin": {c.secrets.phonePIN}, "again": {c.secrets.phonePIN}}},
		{"/enrol/password", url.Values{"password": {c.secrets.phonePassword}, "again": {c.secrets.phonePassword}}},
		{"/enrol/register", url.Values{}},
	} {
		if text, err = b.send(ctx, page+s.path, s.form); err != nil {
			return err
		}
	}
	if c.lockCode, err = found(text, `class="lockcode">([\d ]+)<`); err != nil {
		return err
	}
	_, err = b.send(ctx, page+"/enrol/done", url.Values{})
	return err
}

// hold goes to the street by the link of the page that waits for a card, and holds
// the person's card there.
func (c *canaries) hold(ctx context.Context, b *browser, page string) error {
	q, err := c.holdCard(ctx, b, page, resident)
	c.readers = append(c.readers, q.Get("reader"))
	return err
}

// holdCard is hold for a card, and returns what the link says: reader and way back.
func (c *canaries) holdCard(ctx context.Context, b *browser, page, card string) (url.Values, error) {
	link, err := found(page, `href="([^"]*/hold\?[^"]*)"`)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(link)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	_, err = b.send(ctx, c.settings.page("street")+"/hold", url.Values{"reader": {q.Get("reader")}, "back": {q.Get("back")}, "card": {card}})
	return q, err
}

// loginHere logs in to the portal with the phone in the same browser.
func (c *canaries) loginHere(ctx context.Context) error {
	_, err := c.enterPortal(ctx)
	return err
}

// enterPortal is a browser that is logged in with the phone in it.
func (c *canaries) enterPortal(ctx context.Context) (*browser, error) {
	b := newBrowser()
	link, _, err := b.beginLogin(ctx, c.settings.page("portal"), false)
	if err != nil {
		return nil, err
	}
	text, err := b.sendOnce(ctx, c.phonePage()+"/request?"+strings.SplitN(link, "?", 2)[1],
		url.Values{"decision": {"approve"}, "pin": {c.secrets.phonePIN}})
	if err != nil {
		return nil, err
	}
	back, err := found(text, `href="(http://portal[^"]*response_code=[^"]*)"`)
	if err != nil {
		return nil, err
	}
	return b, c.atHome(b.open(ctx, back))
}

// loginByLock registers the screen lock of the person's device on the phone's
// pages, as their script does, and logs in by it.
func (c *canaries) loginByLock(ctx context.Context, t *testing.T) error {
	b, page, pin := newBrowser(), c.phonePage(), url.Values{"pin": {c.secrets.phonePIN}}
	text, err := b.sendOnce(ctx, page+"/biometrics", pin)
	if err != nil {
		return err
	}
	challenge, err := found(text, `data-challenge="([^"]*)"`)
	if err != nil {
		return err
	}
	creation := element.Creation{RPID: "phone.localhost"}
	if creation.Challenge, err = base64.StdEncoding.DecodeString(html.UnescapeString(challenge)); err != nil {
		return err
	}
	made, err := json.Marshal(c.finger.Create(t, creation, c.settings.page("phone")))
	if err != nil {
		return err
	}
	if _, err := b.send(ctx, page+"/biometrics/enrol", url.Values{"lock": {string(made)}}); err != nil {
		return err
	}
	pin.Set("from", "0:00") // at every hour: this may run at night
	pin.Set("to", "0:00")
	if _, err := b.sendOnce(ctx, page+"/quiet", pin); err != nil {
		return err
	}
	link, _, err := b.beginLogin(ctx, c.settings.page("portal"), false)
	if err != nil {
		return err
	}
	if _, err := b.open(ctx, page+"/request?"+strings.SplitN(link, "?", 2)[1]); err != nil {
		return err
	}
	asked := b.url
	if text, err = b.send(ctx, page+"/biometrics/challenge", url.Values{"ask": {path.Base(asked)}}); err != nil {
		return err
	}
	var one element.Challenge
	if err := json.Unmarshal([]byte(text), &one); err != nil {
		return err
	}
	answer, err := json.Marshal(c.finger.Get(t, one, c.settings.page("phone")))
	if err != nil {
		return err
	}
	if text, err = b.sendOnce(ctx, asked, url.Values{"decision": {"approve"}, "lock": {string(answer)}}); err != nil {
		return err
	}
	back, err := found(text, `href="(http://portal[^"]*response_code=[^"]*)"`)
	if err != nil {
		return err
	}
	return c.atHome(b.open(ctx, back))
}

// atHome checks that the portal greets the person.
func (c *canaries) atHome(page string, err error) error {
	if err == nil && !strings.Contains(page, "手形　花子") {
		err = fmt.Errorf("not the home page: %s", words(page))
	}
	return err
}

// loginThere logs in with a browser on another device; the phone is used by the
// command, whose secrets come from a file.
func (c *canaries) loginThere(ctx context.Context) error {
	b := newBrowser()
	link, number, err := b.beginLogin(ctx, c.settings.page("portal"), true)
	if err != nil {
		return err
	}
	if err := c.command(ctx, map[string]string{"phone_auth_pin": c.secrets.phonePIN},
		"phone", "approve", newPhone, "-request", link, "-match", number); err != nil {
		return err
	}
	return c.atHome(b.open(ctx, c.settings.page("portal")+"/login/wait"))
}

// sign signs a file with the phone's password.
func (c *canaries) sign(ctx context.Context) error {
	letter := filepath.Join(filepath.Dir(c.dir), "letter")
	if err := os.WriteFile(letter, []byte("a letter\n"), 0o600); err != nil {
		return err
	}
	return c.command(ctx, map[string]string{"phone_signature_password": c.secrets.phonePassword},
		"phone", "sign", newPhone, "-in", letter, "-out", letter+".p7s")
}

// useCard puts the card into a reader of somebody else's, who asks for the PIN and
// has it sign.
func (c *canaries) useCard(ctx context.Context) error {
	slot, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer slot.Close()
	c.readers = append(c.readers, slot.Addr())
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	inserted := make(chan error, 1)
	go func() { inserted <- c.command(ctx, nil, "card", "insert", resident, "-into", "vpcd:"+slot.Addr()) }()
	err = func() error {
		tap, err := slot.Wait(ctx)
		if err != nil {
			return err
		}
		j, err := eid.Open(ctx, tap)
		if err != nil {
			return err
		}
		pin, err := secret.ParsePIN(c.secrets.cardPIN)
		if err != nil {
			return err
		}
		signer, err := j.Signer(ctx, eid.AuthPIN, pin)
		if err != nil {
			return err
		}
		digest := sha256.Sum256([]byte("a challenge"))
		_, err = signer.Sign(nil, digest[:], crypto.SHA256)
		return err
	}()
	stop() // takes the card away
	<-inserted
	return err
}

// command runs a command of the person as a process of its own, with its secrets
// on the standard input, and reads from /proc what others see of it.
func (c *canaries) command(ctx context.Context, secrets map[string]string, args ...string) error {
	_, err := c.commandSays(ctx, secrets, args...)
	return err
}

// commandSays is command with what it says on the terminal.
func (c *canaries) commandSays(ctx context.Context, secrets map[string]string, args ...string) (string, error) {
	args = append(args, "-data", c.dir, "-street", "http://"+c.listen)
	if secrets != nil {
		args = append(args, "-secrets", "-")
	}
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandEnv+"=1")
	var said lines
	cmd.Stdout, cmd.Stderr = &said, &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	watched := make(chan []byte, 1)
	ended := make(chan struct{})
	go func() { watched <- watch(cmd.Process.Pid, ended) }()
	text, err := json.Marshal(secrets)
	if err != nil {
		return "", err
	}
	_, err = in.Write(text)
	err = errors.Join(err, in.Close(), cmd.Wait())
	close(ended)
	name := strings.Join(args[:2], " ")
	for where, seen := range map[string][]byte{" in /proc": <-watched, " on the terminal": []byte(said.String())} {
		c.commands[name+where] = slices.Concat(c.commands[name+where], []byte{0}, seen) // one after the other
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return said.String(), err
}

// toldOfProcess is what a program can put under its /proc. The kernel's own numbers in status
// are too many for a PIN of four digits not to be among them now and then.
var toldOfProcess = []string{"cmdline", "environ", "comm"}

// watch reads what /proc tells everybody about a process, until it has ended.
func watch(pid int, ended chan struct{}) (seen []byte) {
	for {
		for _, name := range toldOfProcess {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
			if err == nil {
				seen = append(append(seen, text...), 0)
			}
		}
		select {
		case <-ended:
			return seen
		case <-time.After(5 * time.Millisecond):
		}
	}
}
