package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tegata/internal/durable"
	"tegata/internal/pkitest"
	"tegata/sandbox"
)

// commandsPage runs the examples of docs/commands.md, in their order, against one
// sandbox. A line of output below a command must be in what it said; … stands for
// anything.
func (s *streets) commandsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(sourceRoot, "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !regexp.MustCompile(`(?m)^(\$ |\$ timeout .* )?tegata ` + c.name + `\b`).Match(text) {
			t.Errorf("docs/commands.md has no example of tegata %s", c.name)
		}
	}
	for _, name := range []string{"openssl", "curl", "timeout"} {
		pkitest.Tool(t, name)
	}
	if err := s.make(); err != nil {
		t.Fatal(err)
	}
	s.one.Lock()
	defer s.one.Unlock()
	p := examples{t: t, dir: t.TempDir()}
	data := filepath.Join(p.dir, "tegata-data")
	if err := s.copyTo(data); err != nil {
		t.Fatal(err)
	}
	if p.set, err = openSettings(data); err != nil {
		t.Fatal(err)
	}
	street, err := startStreet(data)
	if err != nil {
		t.Fatal(err)
	}
	defer street.stop()
	p.prepare(data)
	for _, block := range strings.Split(string(text), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for _, example := range strings.Split("\n"+strings.TrimSpace(block), "\n$ ")[1:] {
			command, output, _ := strings.Cut(example, "\n")
			p.run(command, output)
		}
	}
}

// examples are where and with what they run.
type examples struct {
	t   *testing.T
	dir string
	set settings
	env []string
}

// prepare writes the files that the page speaks of.
func (p *examples) prepare(data string) {
	var known struct {
		Cards  map[string]sandbox.CardSecrets  `json:"cards"`
		Phones map[string]sandbox.PhoneSecrets `json:"phones"`
	}
	text, err := os.ReadFile(filepath.Join(data, sandboxSecrets))
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	files := map[string]any{
		"hanako.json": map[string]string{"card_signature_password": known.Cards["hanako"].CardSignaturePassword,
			"phone_auth_pin": "4929", "phone_signature_password": "FHKM7396"},
		"jiro.json": map[string]string{"card_signature_password": known.Cards["jiro"].CardSignaturePassword,
			"phone_auth_pin": "4929", "phone_signature_password": "FHKM7396"},
		"note.json":    map[string]string{"birth_date": "1979-11-03", "lock_code": known.Phones["taro-phone"].LockCode},
		"contract.txt": "One room, two years.",
	}
	for name, content := range files {
		if err == nil {
			if text, err = json.Marshal(content); err == nil {
				err = os.WriteFile(filepath.Join(p.dir, name), text, 0o600)
			}
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.env = append(os.Environ(), "TEGATA_DATA="+data)
	for name, value := range addresses(p.set) {
		p.env = append(p.env, name+"="+value)
	}
}

func (p *examples) run(command, output string) {
	env := p.env
	if strings.Contains(command, "$LINK") {
		env = append(env, p.login(strings.Contains(command, "-match"))...)
	}
	if strings.Contains(command, "jiro.json") { // his card is a new one by now
		p.newCard("jiro-2", "jiro.json")
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = p.dir, env
	said, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() == exitOurFault || exit.ExitCode() > 100) {
		p.t.Errorf("$ %s\n%s%v", command, said, err)
	}
	if err != nil && output == "" {
		p.t.Errorf("$ %s\n%s%v, and the page does not say so", command, said, err)
	}
	for _, line := range strings.Split(strings.TrimRight(output, "\n"), "\n") {
		pattern := "(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$"
		if line != "" && !regexp.MustCompile(pattern).Match(said) {
			p.t.Errorf("$ %s\n%sthe page says: %s", command, said, line)
		}
	}
}

// login begins a login at the portal: what the page calls $LINK and $NUMBER.
func (p *examples) login(other bool) []string {
	v, err := newVisitor()
	if err != nil {
		p.t.Fatal(err)
	}
	with, number := "this", ""
	if other {
		with = "other"
	}
	if err := v.open(io.Discard, http.MethodPost, p.set.page("portal")+"/login", url.Values{"with": {with}}, nil); err != nil {
		p.t.Fatal(err)
	}
	page := textOf(v.page)
	link := regexp.MustCompile(`(?m)^http://phone\.localhost:.*$`).FindString(page)
	if other {
		number = regexp.MustCompile(`(?m)^[0-9]{2}$`).FindString(page)
	} else if link, err = v.link("/open"); err != nil {
		p.t.Fatal(err)
	}
	return []string{"LINK=" + link, "NUMBER=" + number}
}

// newCard puts the password of a card that was made since into a file of secrets.
func (p *examples) newCard(card, file string) {
	secrets, err := sandbox.OpenSecrets(filepath.Join(p.dir, "tegata-data", sandboxSecrets), durable.Files{})
	if err != nil {
		p.t.Fatal(err)
	}
	known, _ := secrets.Known(card)
	text := fmt.Sprintf(`{"card_signature_password": %q, "phone_auth_pin": "4929", "phone_signature_password": "FHKM7396"}`, known.CardSignaturePassword)
	if err := os.WriteFile(filepath.Join(p.dir, file), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}
