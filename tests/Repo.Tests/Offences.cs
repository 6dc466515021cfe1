namespace Bulkhead.Repo.Tests;

/// <summary>Fails with the whole list, since whoever mends one wants to mend them all.</summary>
internal static class Offences
{
    public static void None<T>(IEnumerable<T> offences, string rule)
    {
        var all = offences.Select(offence => $"  {offence}").ToList();
        if (all.Count > 0)
        {
            Assert.Fail($"{rule}\n{string.Join('\n', all)}");
        }
    }
}
