package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"text/tabwriter"
	"time"
)

// phoneView is a phone as its door tells it; surface of `phone show -json`.
type phoneView struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	Resident     string `json:"resident"`
	Model        string `json:"model"`
	Reader       string `json:"reader"`
	Certificates []struct {
		Kind     string    `json:"kind"`
		Serial   string    `json:"serial"`
		Status   string    `json:"status"`
		NotAfter time.Time `json:"not_after"`
		PEM      string    `json:"pem"`
	} `json:"certificates"`
	StatesAt    *time.Time      `json:"states_at,omitempty"` // of which moment each status is
	StatesAsked bool            `json:"states_asked"`        // the authority was asked for it just now
	Untold      *time.Time      `json:"untold,omitempty"`    // since when it is wiped and the authority not told
	Receipt     json.RawMessage `json:"receipt,omitempty"`   // of the last time it was given up
	Settings    json.RawMessage `json:"settings"`
	Tries       json.RawMessage `json:"tries"`
}

func phonePath(id, verb string) string {
	path := "/v1/phones/" + url.PathEscape(id)
	if verb != "" {
		path += "/" + verb
	}
	return path
}

func phoneList(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	var all struct {
		Phones []phoneView `json:"phones"`
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.get(ctx, "phone", "/v1/phones", &all); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(c, all.Phones)
	}
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "PHONE\tSTATE\tRESIDENT\tMODEL\tREADER")
	for _, p := range all.Phones {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", p.ID, p.State, p.Resident, p.Model, p.Reader)
	}
	return table.Flush()
}

func phoneNew(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	model := flags.String("model", "", "id of a model of the sandbox's maker; empty is the first")
	resident := flags.String("resident", "", "whose phone it is in the sandbox")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	body := map[string]string{"id": words[0], "name": words[0], "model": *model, "resident": *resident}
	return r.post(ctx, "phone", "/v1/phones", body, nil)
}

func phoneShow(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	asJSON := flags.Bool("json", false, "for scripts")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	return printPhone(ctx, r, words[0], *asJSON)
}

func printPhone(ctx context.Context, r *remote, id string, asJSON bool) error {
	var p phoneView
	if err := r.get(ctx, "phone", phonePath(id, ""), &p); err != nil {
		return err
	}
	if asJSON {
		return printJSON(r.c, p)
	}
	fmt.Fprintf(r.c.out, "phone    %s\nstate    %s\n", p.ID, p.State)
	for _, cert := range p.Certificates {
		fmt.Fprintf(r.c.out, "%-8s %s until %s\n", cert.Kind, cert.Status, cert.NotAfter.Format(time.DateOnly))
	}
	if p.Untold != nil {
		fmt.Fprintf(r.c.out, "wiped    %s: the authority does not know yet\n", p.Untold.Format(time.RFC3339))
	}
	if p.StatesAt != nil && !p.StatesAsked {
		fmt.Fprintf(r.c.out, "as of    %s: the authority could not be asked now\n", p.StatesAt.Format(time.RFC3339))
	}
	return nil
}

// phoneEnrol is the whole registration without a screen.
func phoneEnrol(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	card := flags.String("card", "", "the card to hold to the phone; it is taken away again afterwards. Empty: the card that is held to it already")
	reader := flags.String("reader", "vpcd", "vpcd: the phone's own slot; pcsc:NAME: a reader of the system")
	secrets := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	replace := flags.Bool("replace", false, "end an older application that is still open")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	body, err := readSecrets(c, *secrets, "card_signature_password", "phone_auth_pin", "phone_signature_password")
	if err != nil {
		return err
	}
	body["replace"], body["reader"] = *replace, *reader
	if err := r.find(ctx); err != nil {
		return err
	}
	done := func() error { return nil }
	if *reader == "vpcd" && *card != "" {
		if done, err = holdCard(ctx, r, *card, words[0]); err != nil {
			return err
		}
	}
	c.say("登録しています… / registering…")
	var out struct {
		LockCode string `json:"lock_code"`
	}
	err = r.post(ctx, "phone", phonePath(words[0], "enrol"), body, &out)
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	if out.LockCode != "" {
		c.say("停止コード / lock code: %s", out.LockCode)
		c.say("紙に書いて保管してください。なくしたスマホを止められます。 / Keep it on paper: it suspends a lost phone.")
		if err := r.post(ctx, "phone", phonePath(words[0], "noted"), struct{}{}, nil); err != nil {
			return err
		}
	}
	return printPhone(ctx, r, words[0], false)
}

// holdCard holds a card to a phone; what it returns takes it away.
func holdCard(ctx context.Context, r *remote, card, phone string) (func() error, error) {
	addr, err := slotAddress(ctx, r, "phone:"+phone)
	if err != nil {
		return nil, err
	}
	path := "/v1/cards/" + url.PathEscape(card) + "/tap"
	if err := r.post(ctx, "cards", path, map[string]string{"reader": addr}, nil); err != nil {
		return nil, err
	}
	return func() error { return r.remove(context.WithoutCancel(ctx), "cards", path) }, nil
}

// phoneApprove answers a request without a screen and prints where the browser
// that began it goes on.
func phoneApprove(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	request := flags.String("request", "", "the request's URL, or the link to the phone that carries it")
	secrets := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	match := flags.String("match", "", "the number that the asking screen shows, when it is another device")
	refuse := flags.Bool("refuse", false, "refuse instead; needs no secret")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if *request == "" {
		return usagef("name the request with -request")
	}
	body := map[string]any{}
	if !*refuse {
		if body, err = readSecrets(c, *secrets, "phone_auth_pin", "phone_signature_password"); err != nil {
			return err
		}
	}
	body["request"], body["match"], body["refuse"] = *request, *match, *refuse
	if err := r.find(ctx); err != nil {
		return err
	}
	var out struct {
		Approved  bool   `json:"approved"`
		Carry     bool   `json:"carry"`
		Withdrawn bool   `json:"withdrawn"`
		Redirect  string `json:"redirect"`
		Party     string `json:"party"`
		What      string `json:"what"`
	}
	if err := r.post(ctx, "phone", phonePath(words[0], "approve"), body, &out); err != nil {
		return err
	}
	switch {
	case out.Approved:
		c.say("%s: %s", out.Party, out.What)
	case out.Carry:
		c.say("署名しました。通信できないので、もう一度同じ端末にかざしてください。 / Signed. There is no network: hold the phone to the same terminal again.")
	case out.Withdrawn:
		c.say("断ることにしました。回答は端末に渡しません。通信できるようになったら、断ったことを送ります。 / Taken back: the answer is given to no terminal; the refusal is sent once there is a network.")
	default:
		c.say("断りました / refused")
	}
	if out.Redirect != "" {
		fmt.Fprintln(c.out, out.Redirect)
	}
	return nil
}

// phoneSign makes a detached CMS signature.
func phoneSign(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	in := flags.String("in", "", "the file to sign, at most 1 MB")
	out := flags.String("out", "", "where the detached CMS signature goes (DER)")
	secrets := flags.String("secrets", "-", "JSON file with the secrets, mode 0600; - is standard input")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if *in == "" || *out == "" {
		return usagef("name the file with -in and the signature with -out")
	}
	content, err := os.ReadFile(*in)
	if err != nil {
		return usagef("%v", err)
	}
	body, err := readSecrets(c, *secrets, "phone_signature_password")
	if err != nil {
		return err
	}
	body["content"] = content
	if err := r.find(ctx); err != nil {
		return err
	}
	var answer struct {
		CMS []byte `json:"cms"`
	}
	if err := r.post(ctx, "phone", phonePath(words[0], "sign"), body, &answer); err != nil {
		return err
	}
	return os.WriteFile(*out, answer.CMS, 0o644)
}

// phonePower switches a phone on or off.
func phonePower(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	words, err := parse(flags, args, "PHONE", "on|off")
	if err != nil {
		return err
	}
	if words[1] != "on" && words[1] != "off" {
		return usagef("a phone is switched on or off, not %q", words[1])
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	return r.post(ctx, "phone", phonePath(words[0], "settings"), map[string]bool{"power": words[1] == "on"}, nil)
}

// phoneVerb is a command that does one thing to a phone and shows it afterwards.
func phoneVerb(verb string) func(context.Context, console, *flag.FlagSet, []string) error {
	return func(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
		r := remoteFlags(c, flags)
		words, err := parse(flags, args, "PHONE")
		if err != nil {
			return err
		}
		if err := r.find(ctx); err != nil {
			return err
		}
		if err := r.post(ctx, "phone", phonePath(words[0], verb), struct{}{}, nil); err != nil {
			return err
		}
		return printPhone(ctx, r, words[0], false)
	}
}

// phoneSuspend suspends by lock code, from anywhere: no phone and no token needed.
func phoneSuspend(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	file := flags.String("lock-code", "-", `JSON file {"birth_date":"YYYY-MM-DD","lock_code":"…"}, mode 0600; - is standard input`)
	if _, err := parse(flags, args); err != nil {
		return err
	}
	body, err := readSecrets(c, *file, "birth_date", "lock_code")
	if err != nil {
		return err
	}
	if err := r.locate(ctx); err != nil {
		return err
	}
	if err := r.post(ctx, "issuer", "/v1/suspensions", body, nil); err != nil {
		return err
	}
	c.say("一時停止しました。 / Suspended.")
	return nil
}

// maxSecrets bounds a file of secrets, in bytes.
const maxSecrets = 64 << 10

// readSecrets reads the named members of a JSON file of secrets; others in it are
// ignored, so that one file serves all commands. A file that others may read is
// refused: it was lost already.
func readSecrets(c console, path string, names ...string) (map[string]any, error) {
	in := c.in
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("there is no file of secrets at %s", path)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if info.Mode().Perm()&0o077 != 0 {
			return nil, usagef("%s can be read by others (mode %04o); chmod 600 it, and consider its secrets known", path, info.Mode().Perm())
		}
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSecrets))
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, usagef("the secrets are not a JSON object") // the parser's words may repeat one
	}
	some := map[string]any{}
	for _, name := range names {
		if v, ok := all[name]; ok {
			some[name] = v
		}
	}
	return some, nil
}
