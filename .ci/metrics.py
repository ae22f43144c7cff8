"""Check the metrics.json of a run: `python .ci/metrics.py FILE --rsum LEAST --images LEAST`"""
import argparse, json, math

parser = argparse.ArgumentParser()
parser.add_argument('file')
parser.add_argument('--rsum', type=float)
parser.add_argument('--images', type=int)
args = parser.parse_args()

result = json.load(open(args.file, encoding="utf-8"))
test = result['test']
known = result.get('class_oracle') or result['kind_only']  # what runs of 0.1.0 call it
sides = [f'{side}_{name}' for side in ('i2t', 't2i') for name in ('r1', 'r5', 'r10', 'medr',
        'meanr')]
missing = [k for k in (*sides, 'rsum', 'mR') if not math.isfinite(test.get(k, math.nan))]
assert not missing, f'no finite {missing}'
recalls = [test[f'{side}_r{k}'] for side in ('i2t', 't2i') for k in (1, 5, 10)]
assert all(0 <= r <= 100 for r in recalls) and abs(sum(recalls) - test['rsum']) < .01, test
assert result['test_images'] >= args.images, result
assert result['test_captions'] == 5*result['test_images'], result
assert test['rsum'] >= args.rsum, f"rsum {test['rsum']:.1f} is below {args.rsum}"
if args.rsum:
    above = test['rsum'] > known['rsum']
    assert above, f"no better than the scene class alone: {known['rsum']:.1f}"
print(f"note: rsum {test['rsum']:.1f} on {result['test_images']} test images, {known['rsum']:.1f} "
      f"from the scene class alone")
