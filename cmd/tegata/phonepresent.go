package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"
)

// presentedPoll is how often a phone that is held somewhere is asked how it stands.
const presentedPoll = 300 * time.Millisecond

// phonePresent holds a phone to a terminal, until it is interrupted or the terminal lets
// go. The address of a request that was handed over goes to standard output; with -compat,
// before it, the code for the terminal.
func phonePresent(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	compat := flags.Bool("compat", false, "as the card, for a terminal that knows nothing else: five minutes, three signatures, under the PIN in -secrets")
	file := flags.String("secrets", "", "with -compat: a file with phone_auth_pin, mode 0600; - is standard input")
	into := flags.String("into", "", "ROLE:ID of a terminal's slot as `services.json` lists it, or vpcd:HOST:PORT such as a slot of the system's pcscd (vpcd:127.0.0.1:35963)")
	words, err := parse(flags, args, "PHONE")
	if err != nil {
		return err
	}
	if strings.HasPrefix(*into, "phone:") {
		return usagef("a phone is held to a terminal; -into phone:ID is for cards")
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	addr, err := slotAddress(ctx, r, *into)
	if err != nil {
		return err
	}
	body := map[string]any{}
	switch {
	case *compat:
		if body, err = readSecrets(c, *file, "phone_auth_pin"); err != nil {
			return err
		}
		body["compatible"] = true
	case *file != "":
		return usagef("-secrets is for -compat; a terminal that takes the phone as a phone asks on its screen")
	}
	body["reader"] = addr
	path := phonePath(words[0], "present")
	var on struct {
		Code  string    `json:"code"`
		Until time.Time `json:"until"`
	}
	if err := r.post(ctx, "phone", path, body, &on); err != nil {
		return err
	}
	if *compat {
		c.say("端末には、暗証番号の代わりにこのコードを入れます（%sまで、署名は3回まで）。 / Give the terminal this code in place of a PIN, until %s; three signatures.", on.Until.Local().Format("15:04"), on.Until.Local().Format("15:04"))
		fmt.Fprintln(c.out, on.Code)
	}
	c.say("スマホ %s を %s にかざしています。Ctrl-C で離します。 / Phone %s is held to %s; Ctrl-C takes it away.", words[0], addr, words[0], addr)
	for wait := time.NewTicker(presentedPoll); ; {
		select {
		case <-ctx.Done():
			return r.remove(context.WithoutCancel(ctx), "phone", path)
		case <-wait.C:
		}
		var at struct {
			Reader  string `json:"reader"`
			Link    string `json:"link"`
			Request string `json:"request"`
		}
		if err := r.get(ctx, "phone", path, &at); err != nil && ctx.Err() == nil {
			return err
		}
		switch {
		case ctx.Err() != nil, at.Reader != "", at.Link != "" && at.Request == "": // held, or fetching
		case at.Link == "" && *compat:
			c.say("端末がスマホを離しました。 / The terminal let go.")
			return r.remove(ctx, "phone", path)
		case at.Request == "":
			c.say("端末がスマホを離しました。依頼は受け取っていません。 / The terminal let go; it handed nothing over.")
			return nil
		default:
			c.say("依頼を受け取りました。スマホの画面で確かめてください。 / A request was received; see the phone's page.")
			fmt.Fprintln(c.out, at.Link)
			return nil
		}
	}
}
