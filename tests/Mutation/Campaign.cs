using System.Diagnostics;
using System.Globalization;

namespace Bulkhead.Mutation;

/// <summary>Puts mutants of the policy engine under its tests, a sample of them that a seed chooses, and says which survive.</summary>
internal sealed class Campaign
{
    private const string Tests = "Bulkhead.Policy.Tests";
    private const string Mutated = "Bulkhead.Policy";

    private readonly MutatedAssembly _assembly;
    private readonly Random _random;
    private readonly string _tests;
    private readonly string _work = Directory.CreateTempSubdirectory("bulkhead-mutation-").FullName;

    public Campaign(string root, int seed)
    {
        _random = new(seed);
        _tests = Path.Combine(root, "tests/Policy.Tests/bin/Release/net10.0");
        _assembly = new(Mutated, Path.Combine(root, "src/Policy"), Path.Combine(root, "src/Policy/obj/mutation"));
    }

    private string Dll => Path.Combine(_work, $"{Mutated}.dll");

    private string Order => Path.Combine(_work, "order");

    /// <summary>Runs until enough mutants were judged or the time is over; 0 unless the tests fail without any mutant.</summary>
    public int Run(int count, TimeSpan time, string files)
    {
        try
        {
            var began = Stopwatch.GetTimestamp();
            if (_assembly.Write(null, Dll) is { } broken)
            {
                Console.Error.WriteLine($"mutation: the sources do not compile here:\n{broken}");
                return 1;
            }

            var (status, said) = RunTests(TimeSpan.FromMinutes(10));
            if (status != 0)
            {
                Console.Error.WriteLine($"mutation: the tests fail without any mutant: {said}");
                return 1;
            }

            var limit = (2 * Stopwatch.GetElapsedTime(began)) + TimeSpan.FromSeconds(10);
            var all = _assembly.Mutants.Where(m => m.File.Contains(files, StringComparison.Ordinal)).ToArray();
            _random.Shuffle(all);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{all.Length} mutants are known; the tests take {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s"));
            Report(Judge(all, count, limit, () => Stopwatch.GetElapsedTime(began) < time));
            return 0;
        }
        finally
        {
            Directory.Delete(_work, recursive: true);
        }
    }

    private List<(Mutant Mutant, bool Killed)> Judge(IEnumerable<Mutant> mutants, int count, TimeSpan limit, Func<bool> goOn)
    {
        var judged = new List<(Mutant, bool)>();
        foreach (var mutant in mutants)
        {
            if (judged.Count == count || !goOn())
            {
                break;
            }

            if (_assembly.Write(mutant, Dll) is not null)
            {
                continue;
            }

            var (status, said) = RunTests(limit);
            judged.Add((mutant, status != 0));
            Console.Error.WriteLine($"{judged.Count,4}  {(status == 0 ? "SURVIVED" : "killed")}  {mutant}  {said}");
        }

        return judged;
    }

    private static void Report(List<(Mutant Mutant, bool Killed)> judged)
    {
        foreach (var folder in judged.GroupBy(j => Path.GetDirectoryName(j.Mutant.File)!).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{(folder.Key.Length == 0 ? "." : folder.Key),-12} {folder.Count(j => j.Killed),4} of {folder.Count(),4} killed");
        }

        foreach (var (mutant, _) in judged.Where(j => !j.Killed).OrderBy(j => j.Mutant.File, StringComparer.Ordinal).ThenBy(j => j.Mutant.Line))
        {
            Console.WriteLine($"survived  {mutant}");
        }

        var killed = judged.Count(j => j.Killed);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{killed} of {judged.Count} killed: {100.0 * killed / Math.Max(1, judged.Count):0} %"));
    }

    /// <summary>0 if all tests pass; what failed, or that it did not end.</summary>
    private (int Status, string Said) RunTests(TimeSpan limit)
    {
        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["child", _tests, Tests, Dll, Order]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = child.StandardOutput.ReadToEndAsync();
        var errors = child.StandardError.ReadToEndAsync();
        if (!child.WaitForExit(limit))
        {
            child.Kill();
            child.WaitForExit();
            return (1, "(does not end)");
        }

        return (child.ExitCode, (said.GetAwaiter().GetResult() is { Length: > 0 } text ? text : errors.GetAwaiter().GetResult()).Trim().Split('\n')[^1]);
    }
}
