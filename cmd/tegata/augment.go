package main

import (
	"context"
	"flag"
	"os"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/tsp"
	"tegata/verifier/document"
)

// augment raises a signed document to a level at which it can be checked later.
func augment(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	t := trustFlags(c, flags)
	content := flags.String("content", "", "what a detached signature is over")
	level := flags.String("level", string(document.LevelLT), "B-T: a time-stamp; B-LT: and what checking needs; B-LTA: and a time-stamp over all of it")
	url := flags.String("tsa", "", "URL of the time-stamp authority; empty: the neighbourhood's")
	out := flags.String("out", "", "where the signed document goes")
	words, err := parse(flags, args, "FILE")
	if err != nil {
		return err
	}
	to := document.Level(*level)
	if to != document.LevelT && to != document.LevelLT && to != document.LevelLTA {
		return usagef("-level is B-T, B-LT or B-LTA, not %q", *level)
	}
	if *out == "" {
		return usagef("name where the signed document goes with -out")
	}
	der, err := readDocument(words[0])
	if err != nil {
		return err
	}
	var over []byte
	if *content != "" {
		if over, err = readDocument(*content); err != nil {
			return err
		}
	}
	arc, anchors, err := t.open(ctx)
	if err != nil {
		return err
	}
	if *url == "" {
		if t.remote.services == nil {
			if err := t.remote.locate(ctx); err != nil {
				return err
			}
		}
		if *url, err = t.remote.url("verifier", "/tsa"); err != nil {
			return err
		}
	}
	ocsp := certpath.OCSP{Client: httpd.Client(5 * time.Second)}
	a := document.Augmenter{
		Checker: document.Checker{Arc: arc, Anchors: anchors, Status: ocsp}, OCSP: ocsp, Now: t.now,
		Stamp: tsp.Client{URL: *url, HTTP: httpd.Client(10 * time.Second)}.Stamp,
	}
	raised, err := a.Augment(ctx, der, over, to)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, raised, 0o644)
}
