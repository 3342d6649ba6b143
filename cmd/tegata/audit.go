package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"tegata/store"
)

// auditCheck recomputes the chain of every party's audit records.
func auditCheck(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	dir := dataFlag(c, flags)
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if _, err := openSettings(*dir); err != nil {
		return usagef("%s holds no sandbox: %v", *dir, err)
	}
	files, err := filepath.Glob(filepath.Join(*dir, "*", "*.db"))
	if err != nil {
		return err
	}
	broken := false
	for _, file := range files {
		switch err := checkOne(ctx, file); {
		case err == nil:
			fmt.Fprintf(c.out, "%s\tok\n", filepath.Base(file))
		default:
			brk, ok := errors.AsType[*store.AuditBreak](err)
			if !ok {
				return err
			}
			broken = true
			fmt.Fprintf(c.out, "%s\tbroken\t%v\n", filepath.Base(file), brk)
		}
	}
	if broken {
		return errAuditBroken
	}
	return nil
}

func checkOne(ctx context.Context, file string) error {
	db, err := store.Open(ctx, "sqlite:"+file)
	if err != nil {
		return err
	}
	return errors.Join(db.CheckAudit(ctx), db.Close())
}
