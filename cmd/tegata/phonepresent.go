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
// go. The address of a request that was handed over goes to standard output.
func phonePresent(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
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
	path := phonePath(words[0], "present")
	if err := r.post(ctx, "phone", path, map[string]string{"reader": addr}, nil); err != nil {
		return err
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
