package main

import "os"

// benchLog is the least that durable can mean: a file to which records are appended,
// with group commit. What comes while the disk is waited for is the next group.
type benchLog struct {
	file    *os.File
	records chan logRecord
	ended   chan struct{}
}

type logRecord struct {
	bytes []byte
	done  chan<- error
}

func openBenchLog(dir string) (*benchLog, error) {
	file, err := os.CreateTemp(dir, "log")
	if err != nil {
		return nil, err
	}
	l := &benchLog{file, make(chan logRecord, 64), make(chan struct{})}
	go l.write()
	return l, nil
}

// write appends what waits until close.
func (l *benchLog) write() {
	defer close(l.ended)
	for first := range l.records {
		bytes, group := first.bytes, []chan<- error{first.done}
		for n := len(l.records); n > 0; n-- {
			r := <-l.records
			bytes, group = append(bytes, r.bytes...), append(group, r.done)
		}
		_, err := l.file.Write(bytes)
		if err == nil {
			err = l.file.Sync()
		}
		for _, done := range group {
			done <- err
		}
	}
}

// append returns when the record is on the disk.
func (l *benchLog) append(record []byte) error {
	done := make(chan error, 1)
	l.records <- logRecord{record[:len(record):len(record)], done}
	return <-done
}

func (l *benchLog) close() {
	close(l.records)
	<-l.ended
	l.file.Close()
	os.Remove(l.file.Name())
}
