// Command check decodes the manifests of a folder into Kubernetes' own types and refuses what these do not know: a field that is misspelt,
// or stands at the wrong depth. It is a module of its own, so that the program needs nothing of Kubernetes.
//
//	cd docs/deploy/kubernetes/check && go run . ..
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// types are those that the manifests use, by apiVersion and kind.
var types = map[string]func() any{
	"v1 Namespace":                       func() any { return new(corev1.Namespace) },
	"v1 Secret":                          func() any { return new(corev1.Secret) },
	"v1 Service":                         func() any { return new(corev1.Service) },
	"apps/v1 StatefulSet":                func() any { return new(appsv1.StatefulSet) },
	"batch/v1 Job":                       func() any { return new(batchv1.Job) },
	"policy/v1 PodDisruptionBudget":      func() any { return new(policyv1.PodDisruptionBudget) },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networkingv1.NetworkPolicy) },
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue // kubectl kustomize reads it
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, one := range strings.Split(string(text), "\n---\n") {
			what, err := decode([]byte(one))
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			fmt.Println(file, what)
		}
	}
	return nil
}

func decode(text []byte) (what string, err error) {
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &head); err != nil {
		return "", err
	}
	what = head.APIVersion + " " + head.Kind
	object, known := types[what]
	if !known {
		return what, fmt.Errorf("no type for %q", what)
	}
	return what, yaml.UnmarshalStrict(text, object())
}
