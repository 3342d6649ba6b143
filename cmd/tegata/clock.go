package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// clockShow prints the neighbourhood's time and how far it is from the real one.
func clockShow(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if err := r.locate(ctx); err != nil {
		return err
	}
	return printClock(ctx, r)
}

// clockAdvance moves the neighbourhood forward and waits for all that falls due.
func clockAdvance(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	r := remoteFlags(c, flags)
	words, err := parse(flags, args, "DURATION")
	if err != nil {
		return err
	}
	d, err := parseDuration(words[0])
	if err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	c.say("advancing %s; everything that falls due on the way is done first…", words[0])
	r.client.Timeout = 10 * time.Minute
	body := struct {
		Duration string `json:"duration"`
	}{d.String()}
	if err := r.post(ctx, "street", "/clock/advance", body, nil); err != nil {
		return err
	}
	return printClock(ctx, r)
}

func printClock(ctx context.Context, r *remote) error {
	var now struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}
	if err := r.get(ctx, "street", "/clock", &now); err != nil {
		return err
	}
	fmt.Fprintf(r.c.out, "%s offset %s\n", now.Now.UTC().Format(time.RFC3339), now.Offset)
	return nil
}

// parseDuration reads Go's durations and days: 31d, 1d12h.
func parseDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	var d time.Duration
	if found {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, usagef("%q is no duration; write 31d, 90m or 1d12h", text)
		}
		d = time.Duration(n) * 24 * time.Hour
	} else {
		rest = text
	}
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, usagef("%q is no duration; write 31d, 90m or 1d12h", text)
		}
		d += more
	}
	if d <= 0 {
		return 0, usagef("the clock goes forward only; a new sandbox is `tegata init` in a new directory")
	}
	return d, nil
}
