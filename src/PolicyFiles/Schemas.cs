namespace Bulkhead.PolicyFiles;

/// <summary>The published JSON Schemas (draft 2020-12), with which editors complete and check files; the very files of <c>docs/schema</c>.</summary>
public static class Schemas
{
    /// <summary>Of policy files.</summary>
    public static string Policy { get; } = Read("policy.schema.json");

    /// <summary>Of inventory files.</summary>
    public static string Inventory { get; } = Read("inventory.schema.json");

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(Schemas).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
