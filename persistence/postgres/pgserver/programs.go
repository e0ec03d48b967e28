package pgserver

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// findPrograms returns the folder with initdb and postgres. Of several versions it takes the newest.
func findPrograms() (string, error) {
	var folders []string
	if dir := os.Getenv("LEADWIRE_PG_BIN"); dir != "" {
		folders = append(folders, dir)
	} else {
		debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
		if err != nil {
			return "", fmt.Errorf("look for PostgreSQL: %w", err)
		}
		for i := len(debian) - 1; i >= 0; i-- {
			folders = append(folders, debian[i])
		}
		if postgres, err := exec.LookPath("postgres"); err == nil {
			folders = append(folders, filepath.Dir(postgres))
		}
	}
	for _, dir := range folders {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", ErrMissing
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// owner is the user a server runs as when the test runs as root.
type owner struct{ uid, gid int }

func serverOwner() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			continue
		}
		return &owner{uid, gid}, nil
	}
	return nil, fmt.Errorf("find a user for PostgreSQL: it refuses to run as root, and there is neither postgres nor nobody")
}

// take gives dir to the owner, and lets it pass through the folders above that are ours (a test's
// temporary folder is closed to others).
func (o *owner) take(dir string) error {
	if o == nil {
		return nil
	}
	if err := os.Chown(dir, o.uid, o.gid); err != nil {
		return fmt.Errorf("give the cluster its folder: %w", err)
	}
	for up := filepath.Dir(dir); up != os.TempDir() && up != filepath.Dir(up); up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if err != nil {
			return fmt.Errorf("open the way to the cluster: %w", err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(up, info.Mode().Perm()|0o011); err != nil {
				return fmt.Errorf("open the way to the cluster: %w", err)
			}
		}
	}
	return nil
}

// apply makes a command run as the owner, in a process group of its own: a Ctrl-C at the test's
// terminal then reaches the test, which stops the server in its own way.
func (o *owner) apply(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	dieWithParent(cmd.SysProcAttr)
}
