using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Bulkhead.Mutation;

/// <summary>A project's sources, compiled as they are or with one mutant.</summary>
internal sealed class MutatedAssembly
{
    private readonly CSharpCompilation _compilation;
    private readonly Dictionary<string, SyntaxTree> _trees = [];

    /// <summary>Reads a project's sources, and what its build generated for it.</summary>
    public MutatedAssembly(string name, string folder, string generated)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        foreach (var path in Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var file = Path.GetRelativePath(folder, path);
            if (!file.StartsWith("obj/", StringComparison.Ordinal) && !file.StartsWith("bin/", StringComparison.Ordinal))
            {
                _trees.Add(file, CSharpSyntaxTree.ParseText(File.ReadAllText(path), options, path));
            }
        }

        var others = Directory.GetFiles(generated, "*.cs", SearchOption.AllDirectories).Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), options, path));
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':')
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal) || Path.GetFileName(path) is "mscorlib.dll" or "netstandard.dll")
            .Select(path => MetadataReference.CreateFromFile(path));
        _compilation = CSharpCompilation.Create(
            name,
            _trees.Values.Concat(others),
            references,
            new(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true, deterministic: true));
    }

    /// <summary>Its mutants, in the order of files and lines.</summary>
    public IEnumerable<Mutant> Mutants => _trees.SelectMany(tree => MutantFinder.Find(tree.Key, tree.Value.GetRoot()));

    /// <summary>Writes the assembly; null, or why it does not compile.</summary>
    public string? Write(Mutant? mutant, string file)
    {
        var compilation = _compilation;
        if (mutant is not null)
        {
            var tree = _trees[mutant.File];
            compilation = compilation.ReplaceSyntaxTree(tree, tree.WithRootAndOptions(tree.GetRoot().ReplaceNode(mutant.Original, mutant.Replacement), tree.Options));
        }

        using var stream = File.Create(file);
        var result = compilation.Emit(stream);
        return result.Success ? null : string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Take(5));
    }
}
