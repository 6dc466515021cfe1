using System.Text.RegularExpressions;

namespace Bulkhead.Repo.Tests;

/// <summary>What must not stand in any tracked file.</summary>
public sealed partial class SourceTests
{
    /// <summary>The one place where tests wait for a condition.</summary>
    private const string WaitingPlace = "/Eventually.cs";

    [Fact]
    public void No_path_of_a_developers_machine_is_committed() => AssertNowhere(MachinePath(), "A path of a machine is committed:", file => true);

    [Fact]
    public void No_private_key_or_token_is_committed() => AssertNowhere(Secret(), "A secret is committed:", file => true);

    [Fact]
    public void No_warning_is_silenced_in_source() =>
        AssertNowhere(SilencedWarning(), "A warning is mended, not silenced:", file => Path.GetExtension(file) is ".cs" or ".ts" or ".tsx" or ".c");

    [Fact]
    public void Source_has_no_regions_and_nothing_left_to_do() =>
        AssertNowhere(LeftToDo(), "Source is finished and has no regions:", file => Path.GetExtension(file) is ".cs" or ".ts" or ".tsx" or ".c" or ".sh");

    [Fact]
    public void Tests_wait_for_conditions_not_for_time() =>
        AssertNowhere(Sleep(), "A test waits for a condition through Eventually, not for time:", file => file.StartsWith("tests/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal) && !file.EndsWith(WaitingPlace, StringComparison.Ordinal));

    [Fact]
    public void No_test_is_skipped() =>
        AssertNowhere(SkippedTest(), "No test is skipped or empty:", file => file.StartsWith("tests/", StringComparison.Ordinal) || file.StartsWith("console/", StringComparison.Ordinal));

    [Fact]
    public void Namespaces_are_file_scoped() =>
        AssertNowhere(BlockNamespace(), "Namespaces are file-scoped:", file => file.EndsWith(".cs", StringComparison.Ordinal) && !file.Contains("/Migrations/", StringComparison.Ordinal));

    private static void AssertNowhere(Regex pattern, string rule, Func<string, bool> applies) =>
        Offences.None(
            from file in Repository.Files
            where applies(file) && Path.GetFileName(file) != "package-lock.json"
            let text = Repository.TextOrNull(file)
            where text is not null
            from Match match in pattern.Matches(text)
            select $"{file}:{text.AsSpan(0, match.Index).Count('\n') + 1}: {match.Value.Trim()}",
            rule);

    // The patterns are written so that they do not match themselves.
    [GeneratedRegex(@"(?<![A-Za-z0-9_.-])/(?:work|far[m])/|(?<![A-Za-z0-9_.-])/(?:home|User[s])/[a-z]+/")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"-----BEGI[N] (?:[A-Z]+ )?PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}|\bAKI[A][0-9A-Z]{16}\b|\bbhk_[A-Za-z0-9_-]{20,}")]
    private static partial Regex Secret();

    [GeneratedRegex(@"#pragma warning disabl[e]|SuppressMessag[e]\(|biome-ignor[e]|@ts-(?:ignor[e]|nochec[k])|eslint-disabl[e]")]
    private static partial Regex SilencedWarning();

    [GeneratedRegex(@"\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b|NotImplementedExceptio[n]|^\s*#regio[n]\b", RegexOptions.Multiline)]
    private static partial Regex LeftToDo();

    [GeneratedRegex(@"Thread\.Slee[p]\(|Task\.Dela[y]\(")]
    private static partial Regex Sleep();

    [GeneratedRegex(@"\bSki[p]\s*=\s*""|\b(?:it|test|describe)\.(?:ski[p]|tod[o])\(|Assert\.True\(tru[e]\)")]
    private static partial Regex SkippedTest();

    [GeneratedRegex(@"^namespace [\w.]+\s*\{", RegexOptions.Multiline)]
    private static partial Regex BlockNamespace();
}
