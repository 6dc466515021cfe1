using System.Globalization;
using Bulkhead.Mutation;

// mutation run ROOT [--count N] [--seed N] [--minutes N] [--files TEXT]: see docs/testing.md.
// mutation child …: runs the tests once; a process of its own, since a mutant may not end.
if (args is ["child", var folder, var tests, var mutated, var order])
{
    return TestChild.Run(folder, tests, mutated, order);
}

if (args is not ["run", var root, .. var options])
{
    Console.Error.WriteLine("mutation: run it by scripts/mutate.sh");
    return 2;
}

var campaign = new Campaign(root, Number("--seed", 1));
return campaign.Run(Number("--count", 200), TimeSpan.FromMinutes(Number("--minutes", 60)), Text("--files") ?? "");

string? Text(string name) => Array.IndexOf(options, name) is >= 0 and var at && at + 1 < options.Length ? options[at + 1] : null;

int Number(string name, int usual) => Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : usual;
